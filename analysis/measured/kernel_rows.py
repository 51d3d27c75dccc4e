"""What one row of a measurement file holds: an operation on one accelerator, its shape in the paper's symbols, its
time.

Shapes are those that the timed accelerator sees: `n_hd` counts its own heads, `B` its own requests. `tokens` is the
one exception: experts and exchanges are described by the tokens of their whole expert-parallel group.
"""

from functools import cache
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from analysis.data.cells import refuse
from analysis.data.kind_of_block import ATTENTION
from analysis.data.row import Count, Id, Name, Order, Rate, Row, column
from analysis.derive import attention, sparse, states
from analysis.derive.attention import Mechanism
from analysis.derive.spans import SPANS
from analysis.derive.symbols import BY_NAME, MEANINGS, deg_grp, n_hd, n_kv

OPERATIONS = (
    *("core_attention", "decompression", "index", "select", "state_step", "state_prompt"),
    *("experts", "dispatch", "combine", "all_reduce"),
    *("gemm", "read", "copy"),
)
PRECISIONS = {"fp64": 8, "fp32": 4, "bf16": 2, "fp16": 2, "fp8": 1, "fp4": 0.5}
"""Bytes of an element of each number format."""

NEEDED: dict[str, tuple[str, ...]] = {
    "core_attention": ("mechanism", "B", "L", "l", "n_hd"),
    "decompression": ("mechanism", "B", "L", "l", "n_hd"),
    "index": ("mechanism", "B", "L", "l"),
    "select": ("mechanism", "B", "L", "l"),
    "state_step": ("mechanism", "B", "l"),
    "state_prompt": ("mechanism", "B", "L", "l", "L_cut"),
    "experts": ("tokens", "d_emb", "d_MoE", "n_e", "n_k", "deg_EP", "routing"),
    "dispatch": ("tokens", "d_emb", "n_e", "n_k", "deg_EP", "link"),
    "combine": ("tokens", "d_emb", "n_e", "n_k", "deg_EP", "link"),
    "all_reduce": ("bytes", "deg_TP", "link"),
    "gemm": ("tokens", "d_emb", "d_FFN"),
    "read": ("bytes",),
    "copy": ("bytes",),
}
"""Columns that an operation cannot do without, besides the sizes of its mechanism."""

AT_MOST = (("n_kv", "n_hd"), ("n_k", "n_e"), ("l", "L"))
"""Columns that cannot be more than another: no head reads two caches, no token goes to more experts than there are."""

STATES = ("state_step", "state_prompt")
"""The core of a mechanism that keeps a state: token by token, or a prompt in chunks of L_cut tokens."""

STAGES = {name: name for name in ("decompression", "index", "select")} | dict.fromkeys(
    ("core_attention", *STATES), "core"
)
"""Stages of an attention block that operations time."""

MECHANISMS: dict[str, Mechanism] = attention.MECHANISMS | {
    each.name: each
    for each in (sparse.DSA, sparse.DSA_shared, sparse.MSA, *(states.GDN, states.KDA, states.Lightning, states.Mamba2))
}
"""Mechanisms that rows may time: those of the paper, and some that pick rows or keep a state."""

Width = Annotated[float, Field(gt=0, le=16)]


class Sourced(BaseModel):
    """Where a measured number comes from, and under which licence its source is published."""

    model_config = Row.model_config

    source: Name = column("where the value was published: address, or repository@commit, joined by ;")
    locator: Name = column("the table, file or section in which the source says so")
    licence: Name = column("licence of the source; none where it states none (numbers are quoted as facts)")
    note: str = column("what a reader must know before using the row", default="")


class Measurement(Sourced):
    """The measured time of one operation on one accelerator."""

    operation: Literal[OPERATIONS] = column("operation timed")
    accelerator: Id = column("id in accelerators.csv, or the name of a machine that was measured")
    mechanism: Literal[tuple(MECHANISMS)] | None = column("attention mechanism, of attention operations", default=None)
    order: Order | None = column("MLA: order of contraction that the kernel runs", default=None)
    grouping: Literal["fused", "spilled", "layered"] = column("which lines the kernel runs together", default="fused")
    B: Count | None = column("requests on this accelerator", default=None)
    L: Count | None = column(default=None)
    l: Count | None = column(default=None)
    causal: Annotated[float, Field(gt=0, le=1)] = column(default=1)
    n_hd: Count | None = column("query heads on this accelerator", default=None)
    n_kv: Count | None = column("key-value heads on this accelerator", default=None)
    d_hd: Count | None = column(default=None)
    d_KVco: Count | None = column(default=None)
    d_nope: Count | None = column(default=None)
    d_RoPE: Count | None = column(default=None)
    d_v: Count | None = column(default=None)
    h_I: Count | None = column(default=None)
    d_I: Count | None = column(default=None)
    L_top: Count | None = column(default=None)
    L_blk: Count | None = column(default=None)
    n_top: Count | None = column(default=None)
    n_v: Count | None = column("heads of a recurrent state on this accelerator", default=None)
    n_qk: Count | None = column(default=None)
    d_k: Count | None = column(default=None)
    d_s: Count | None = column(default=None)
    L_cut: Count | None = column(default=None)
    tokens: Count | None = column("tokens of the expert-parallel group, or rows of a matrix product", "tokens", None)
    d_emb: Count | None = column("embedding dimension, or inner dimension of a matrix product", default=None)
    d_FFN: Count | None = column("outer dimension of a matrix product", default=None)
    d_MoE: Count | None = column("intermediate dimension of an expert on this accelerator", default=None)
    n_e: Count | None = column(default=None)
    n_k: Count | None = column(default=None)
    deg_EP: Count | None = column(default=None)
    deg_TP: Count | None = column("accelerators among which an all-reduce adds", "1", None)
    routing: Literal["balanced", "uniform"] | None = column(
        "balanced: every expert gets an equal share; uniform: at random", default=None
    )
    link: Id | None = column("id in interconnects.csv of the link inside a group", default=None)
    link_between: Id | None = column("id in interconnects.csv of the link between groups", default=None)
    group: Count | None = column("accelerators of a group that share the fast link", "1", None)
    bytes: Count | None = column(
        "bytes moved, of operations that only move them; all-reduce: of the tensor on each accelerator", "byte", None
    )
    precision: Literal[tuple(PRECISIONS)] = column("number format of the arithmetic, which fixes the peak rate")
    width_weights: Width | None = column("bytes of a weight element; empty: as precision", default=None)
    width_kv: Width | None = column("bytes of a cached element; empty: as precision", default=None)
    width_activations: Width | None = column("bytes of an activation element; empty: as precision", default=None)
    latency: Rate = column("measured time", "s")
    spread: Annotated[float, Field(ge=0)] | None = column(
        "half of the interquartile range of repeats over the median; empty: unknown", "1", None
    )
    kernel: Name = column("kernel or library, with its version")

    @model_validator(mode="after")
    def _shape_is_complete(self) -> Self:
        if self.mechanism and not has(self.operation, self.mechanism):
            refuse("mechanism", self.mechanism, f"one with this operation, because operation is {self.operation}")
        for name in needed(self.operation, self.mechanism):
            if getattr(self, name, None) is None:
                refuse(name, "", f"a value, because operation is {self.operation}")
        if self.mechanism and len(MECHANISMS[self.mechanism].orders) > 1 and self.order is None:
            refuse("order", "", "as_printed or reordered, because the mechanism has both")
        for less, more in AT_MOST:
            if None not in (few := (getattr(self, less), getattr(self, more))) and few[0] > few[1]:
                refuse(less, few[0], f"at most {more} = {few[1]}")
        if (self.group is None) != (self.link_between is None):
            refuse("group", self.group or "", "a value exactly where link_between has one")
        return self


class AchievedRate(Sourced):
    """A rate that kernels reach on an accelerator: arithmetic in FLOP/s or memory traffic in byte/s."""

    id: Id = column("name of the row")
    accelerator: Id = column("id in accelerators.csv")
    quantity: Literal["arithmetic", "traffic"] = column("what is counted per second")
    how: Literal["sustained", "burst", "best"] = column(
        "sustained: at settled clocks; burst: short runs, median over large shapes; best: highest of many rows"
    )
    precision: Literal[tuple(PRECISIONS)] = column("number format of the operands")
    rate: Rate = column("rate", "as unit")
    unit: Literal["TFLOP/s", "GB/s"] = column("unit in which the source prints the rate")


class Deployment(Sourced):
    """A published decode throughput of a whole deployment."""

    id: Id = column("name of the row")
    model: Id = column("id in data/models")
    accelerator: Id = column("id in accelerators.csv")
    link: Id = column("id in interconnects.csv of the link inside a group")
    link_between: Id = column("id in interconnects.csv of the link between groups")
    group: Count = column("accelerators of a group", "1")
    deg_EP: Count = column("expert-parallel degree, which is the number of accelerators here", "1")
    L: Count = column("cached tokens of a request, on average", "tokens")
    requests: Rate | None = column("requests decoded together per accelerator; empty: not published", "requests", None)
    speed: Rate | None = column("output tokens per second of one request; empty: not published", "token/s", None)
    throughput: Rate = column("output tokens per second and accelerator", "token/s")

    @model_validator(mode="after")
    def _batch_is_known(self) -> Self:
        if self.requests is None and self.speed is None:
            refuse("requests", "", "a value, or speed, from which it follows")
        return self


def has(operation: str, mechanism: str) -> bool:
    """Whether a mechanism has what an operation times.

    >>> has("state_step", "GDN"), has("core_attention", "GDN"), has("index", "MLA")
    (True, False, False)
    """
    known, stage = MECHANISMS[mechanism], STAGES.get(operation)
    if stage == "core":
        return bool(known.cache) == (operation not in STATES)
    return stage is None or any(known.stages(order).get(stage) for order in known.orders)


def needed(operation: str, mechanism: str | None) -> tuple[str, ...]:
    """Columns that a row must fill: those of its operation, and the sizes of its mechanism in any contraction order.

    >>> needed("core_attention", "GQA")
    ('mechanism', 'B', 'L', 'l', 'n_hd', 'n_kv', 'd_hd')
    >>> needed("select", "DSA")
    ('mechanism', 'B', 'L', 'l', 'L_top')
    """
    columns = NEEDED[operation]
    if operation not in STAGES or mechanism is None:
        return columns
    own = sizes(MECHANISMS[mechanism], STAGES[operation], operation == "state_prompt")
    return (*columns, *(name for name in own if name not in columns))


@cache
def sizes(mechanism: Mechanism, stage: str, prompt: bool = False) -> tuple[str, ...]:
    """Sizes of the model on which a stage's counts depend, by name: the axes of its lines in all orders, or of spans.

    >>> sizes(MECHANISMS["MLA"], "core"), sizes(MECHANISMS["DSA"], "index")
    (('n_hd', 'd_nope', 'd_RoPE', 'd_v', 'd_KVco'), ('h_I', 'd_I'))
    """
    given = (mechanism.stages(order, prompt=prompt).get(stage, ()) for order in mechanism.orders)
    axes = {axis for lines in given for line in lines for axis in line.axes}
    free = {symbol for axis in axes for symbol in (SPANS[axis].touched if axis in SPANS else axis).free_symbols}
    if deg_grp in free:  # follows from the heads
        free |= {n_hd, n_kv}
    return tuple(symbol.name for symbol in MEANINGS if symbol in free and symbol.name in ATTENTION)


SHAPE = tuple(name for name in Measurement.model_fields if name in BY_NAME)
"""Columns that are symbols: what a prediction needs besides operation, precision and devices."""
