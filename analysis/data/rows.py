"""What one row of each data file holds: columns, types, units and ranges, said once.

The loader checks against these classes, an error quotes them, and `dictionary()` prints them as the data
dictionary of the book. A column that is a symbol takes its meaning from `analysis.derive.symbols`. Models are rows of
`model_row.py`.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from analysis.data.cells import refuse
from analysis.data.model_row import Model
from analysis.data.row import Count, Id, Name, Order, Reference, Row, Words, column, measure

PEAKS = ("bf16", "fp8", "fp4")
RIDGES = (0.5, 10**4)  # FLOP/byte; a peak that is less than an operation for each element read is a slip of its unit
SIZES = {"GB": 10**9, "GiB": 2**30}


class Accelerator(Row):
    """An accelerator: dense arithmetic peaks, memory, and the link it comes with."""

    vendor: Name = column("maker")
    year: Annotated[int, Field(ge=2015, le=2035)] = column("year of first shipment")
    P_bf16: float | None = measure(
        "P_bf16", "dense peak, 16-bit operands (BF16, or FP16 in parts without BF16)", "TFLOP/s", None
    )
    P_fp8: float | None = measure("P_fp8", "dense peak with FP8 operands; empty where absent", "TFLOP/s", None)
    P_fp4: float | None = measure("P_fp4", "dense peak with FP4 operands; empty where absent", "TFLOP/s", None)
    BW_mem: float = measure("BW_mem", unit="GB/s")
    M_cap: float = measure("M_cap", unit="as M_cap_unit")
    M_cap_unit: Literal["GB", "GiB"] = column("unit that the source means: GB is 1e9 bytes, GiB is 2^30 bytes")
    M_driver: int | None = measure(
        "M_driver", "memory that a driver reports in all; counted in place of M_cap where it is more", "byte", None
    )
    link: Reference | None = column("id in interconnects.csv of the link inside a node or pod", default=None)
    tdp: float | None = measure("tdp", "power of the part as rated by its maker", "W", None)
    RP_printed: float | None = measure("RP_printed", "ridge point printed in the paper's Table I", "FLOP/byte", None)

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        beside = f"TFLOP/s beside BW_mem of {self.BW_mem:g} GB/s"
        low, high = (each * self.BW_mem / 1000 for each in RIDGES)
        rates = {name: rate for name in PEAKS if (rate := getattr(self, f"P_{name}"))}
        for name, rate in rates.items():
            if not low <= rate <= high:
                refuse(f"P_{name}", rate, f"{low:.4g} to {high:.4g} {beside}")
            if rate < rates.get("bf16", 0) / 2:
                refuse(f"P_{name}", rate, f"no less than half of P_bf16 ({self.P_bf16:g} TFLOP/s)")
        if self.M_driver and not 0.8 <= self.M_driver / (self.M_cap * SIZES[self.M_cap_unit]) <= 1.25:
            refuse("M_driver", self.M_driver, f"about the M_cap of {self.M_cap:g} {self.M_cap_unit}, in bytes")
        return self


class Interconnect(Row):
    """A link between accelerators."""

    kind: Literal["scale-up", "scale-out", "torus", "host"] = column(
        "scale-up: inside a node; torus: neighbours only; scale-out: between nodes; host: to a processor"
    )
    BW_Int: float = measure("BW_Int", unit="GB/s")
    BW_Int_two_way: float | None = measure(
        "BW_Int_two_way", "both directions together, as makers print it", "GB/s", None
    )
    domain: Count | None = column("accelerators that one such network joins; empty where open", "1", None)
    latency: float | None = measure("latency", "time a small transfer takes, added as alpha when asked for", "us", None)

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        if self.BW_Int_two_way and not 1 <= self.BW_Int_two_way / self.BW_Int <= 2:
            refuse("BW_Int_two_way", self.BW_Int_two_way, f"one to two times BW_Int ({self.BW_Int:g})")
        return self


class Scenario(Row):
    """A system of the paper: model, accelerators, links and how the work is divided."""

    model: Reference = column("id in data/models")
    accelerator: Reference = column("id in accelerators.csv")
    accelerator_experts: Reference | None = column(
        "id of the device that runs the experts, where another", default=None
    )
    link: Reference = column("id in interconnects.csv of the link inside a group")
    link_between: Reference | None = column(
        "id of the link between groups; empty where there is one group", default=None
    )
    group: Count | None = column("accelerators of a group that share the fast link", "1", None)
    copies: Count = column("independent systems that share the requests evenly", "1")
    n_acc: Count
    deg_TP: Count
    deg_DP: Count
    deg_EP: Count
    B: Count | None = column(default=None)
    L: Count
    phase: Literal["decode", "prefill"] = column("step that is timed")
    order: Order | None = column("MLA: order of contraction; empty elsewhere", default=None)

    @model_validator(mode="after")
    def _degrees_agree(self) -> Self:
        if self.deg_TP * self.deg_DP != self.n_acc:
            refuse("deg_DP", self.deg_DP, f"n_acc / deg_TP ({self.n_acc} / {self.deg_TP})")
        if (self.group is None) != (self.link_between is None):
            refuse("group", self.group or "", "a value exactly where link_between has one")
        return self


class Claim(BaseModel):
    """A checkable statement of the paper; version and location are its source."""

    model_config = Row.model_config

    id: Annotated[str, Field(pattern=r"^[CS]\d+$")] = column("C of the paper, S of its summary", allowed="C001, S01")
    version: Literal["v1", "v3", "both", "summary"] = column("version of arXiv:2507.15465 that makes it")
    location: Name = column("section, table, figure or equation")
    claim: Name = column("the statement in our words")
    paper_value: str = column("value printed there; empty where the statement has none", default="")
    configuration: str = column("setting under which it is made", default="")
    check: Name = column("how it can be tested")
    weight: Literal["carries", "supports", "arithmetic"] = column(
        "whether the conclusion rests on it; arithmetic is one product, quotient or comparison of printed numbers"
    )
    bears: str = column("what of the argument rests on it, where it carries", default="")

    @model_validator(mode="after")
    def _reason_where_it_carries(self) -> Self:
        if bool(self.bears) != (self.weight == "carries"):
            refuse("bears", self.bears, "a reason exactly where weight is carries")
        return self


class Published(BaseModel):
    """A checkable number that others printed about a later model or mechanism."""

    model_config = Row.model_config

    id: Annotated[str, Field(pattern=r"^P\d+$")] = column("P and a number", allowed="P001")
    claim: Name = column("the statement in our words")
    paper_value: Name = column("value printed there")
    unit: Name = column("unit of the value printed there; 1 where it has none")
    quantity: Name = column("what is said to have this value")
    model: Name = column("id in data/models, or the name of what has no row there")
    configuration: str = column("setting under which it is made", default="")
    sizes: Words = column(
        "sizes that the number needs and no row of data/models has, as its source gives them",
        default=(),
        allowed="name=number, separated by spaces",
    )
    source: Name = column("where it was published: an address, a paper or a repository")
    locator: Name = column("the section, table or file in which the source says so")
    lacks: str = column("what the study would need to test it; empty where it has it", default="")


class Related(BaseModel):
    """A work of others on the question of this study: what it found, and what stands beside it here."""

    model_config = Row.model_config

    id: Id = column("key of the work in book/references.bib", allowed="lower-case letters and digits")
    question: Name = column("what it answers: the section of the chapter on related work")
    found: Name = column("what it found, in our words")
    relation: Literal["agrees", "differs", "extends", "used"] = column(
        "how it compares: extends goes beyond what is modelled here, used gave a method or data"
    )
    here: Name = column("what this study has beside it; {} stands for the number in `ours`")
    ours: str = column(
        "that number: a claim of published.csv, or a quantity and its setting as evaluate reads it", default=""
    )

    @model_validator(mode="after")
    def _number_where_it_is_said(self) -> Self:
        if ("{}" in self.here) != bool(self.ours):
            refuse("ours", self.ours, "a number exactly where `here` has {}")
        return self


REFERENCES = {  # columns that hold an id of another file
    "link": "interconnects",
    "link_between": "interconnects",
    "model": "models",
    "accelerator": "accelerators",
    "accelerator_experts": "accelerators",
}
FILES: dict[str, type[BaseModel]] = {
    "models": Model,
    "accelerators": Accelerator,
    "interconnects": Interconnect,
    "scenarios": Scenario,
    "claims": Claim,
    "published": Published,
    "related": Related,
}


def home(file: str) -> str:
    """Where rows of a kind lie in data/: a table, or for models a folder.

    >>> home("models"), home("accelerators")
    ('models', 'accelerators.csv')
    """
    return file if file == "models" else f"{file}.csv"
