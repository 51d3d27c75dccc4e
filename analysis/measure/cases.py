"""What is timed: an operation with its shape, its einsum lines, and arrays to run it on."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import Symbol

from analysis.ask.widths import WIDE
from analysis.data.datasets import models
from analysis.data.lines import cut
from analysis.derive.einsum import CACHED, WIDTHS, Einsum, Tensor
from analysis.derive.feedforward import PLAIN_FFN, ROUTED_EXPERTS
from analysis.derive.spans import SPANS
from analysis.derive.symbols import BY_NAME, causal, l
from analysis.measure.execute import inputs
from analysis.measured.kernel_rows import MECHANISMS, PRECISIONS, STAGES, needed

LATENT = {"d_KVco": 512, "d_nope": 128, "d_RoPE": 64, "d_v": 128}
"""Dimensions of the latent mechanism timed, those of DeepSeek-V3."""
HEAD = {"d_hd": 128}
EXPERT = {"d_emb": 7168, "d_MoE": 2048}
"""Dimensions of one expert timed, those of DeepSeek-V3."""
OF_MODEL = {
    "DSA": "deepseek-v3.2",
    "MSA": "minimax-m3",
    "GDN": "qwen3-next-80b-a3b",
    "KDA": "kimi-linear-48b-a3b",
    "Mamba2": "nemotron-3-nano",
}
"""Models whose sizes the mechanisms that pick rows or keep a state are timed with."""


@dataclass(frozen=True)
class Case:
    """One cell of a sweep: columns of the measurement file that say what is run, and the number format."""

    columns: tuple[tuple[str, object], ...]
    precision: str

    @classmethod
    def of(cls, operation: str, precision: str, **columns) -> "Case":
        """A case from columns by name."""
        return cls((("operation", operation), *columns.items()), precision)

    @cached_property
    def row(self) -> dict:
        """Columns of the measurement file by name."""
        return dict(self.columns)

    @property
    def operation(self) -> str:
        return self.row["operation"]

    @property
    def kind(self) -> str:
        """What kernels are looked up by: the operation, with mechanism and order where it has them.

        >>> Case.of("core_attention", "fp32", mechanism="MHA").kind
        'core_attention MHA'
        """
        return " ".join(self.row[name] for name in ("operation", "mechanism", "order") if name in self.row)

    @property
    def title(self) -> str:
        """The case in a line, for the progress bar."""
        return " ".join([self.kind, *(f"{name}={size}" for name, size in self.row.items() if isinstance(size, int))])

    @property
    def of_a_token(self) -> "Case":
        """The step of a state that a prompt in chunks takes together."""
        kept = {name: cell for name, cell in self.row.items() if name not in ("operation", "L", "L_cut")}
        return Case.of("state_step", self.precision, **kept | {"l": 1})

    @cached_property
    def lines(self) -> tuple[Einsum, ...]:
        """The einsum lines of the derivation that the operation carries out; none for `read` and `copy`."""
        if self.operation in STAGES:
            known, order = MECHANISMS[self.row["mechanism"]], self.row.get("order", "as_printed")
            return known.stages(order, prompt=self.operation == "state_prompt")[STAGES[self.operation]]
        return {"experts": ROUTED_EXPERTS, "gemm": PLAIN_FFN[:1]}.get(self.operation, ())

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Size of each axis of the lines."""
        sizes = {name: size for name, size in self.row.items() if name in BY_NAME}
        if {"n_hd", "n_kv"} <= sizes.keys():
            sizes["deg_grp"] = sizes["n_hd"] // sizes["n_kv"]
        if self.operation == "gemm":
            sizes |= {"B": self.row["tokens"], "l": 1}
        if self.operation == "experts":
            sizes |= {"n_act": sizes["n_e"], "T_e": self.row["tokens"] * sizes["n_k"] // sizes["n_e"]}
            return sizes
        one = {BY_NAME[name]: size for name, size in sizes.items()} | {l: 1}
        rows = {axis for tensor in (self.inputs | self.outputs).values() for axis in tensor.axes if axis in SPANS}
        return sizes | {axis.name: int(SPANS[axis].touched.xreplace(one)) for axis in rows}

    @cached_property
    def point(self) -> dict[Symbol, int]:
        """Sizes by symbol; every score pair is computed."""
        return {BY_NAME[name]: size for name, size in self.sizes.items()} | {causal: 1}

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Sizes of a tensor's axes; of a cache those of all its rows, of which a query may pick some."""
        return tuple(self.rows(axis) if tensor.kind in CACHED else self.sizes[axis.name] for axis in tensor.axes)

    def rows(self, axis: Symbol) -> int:
        """Rows of an axis that are kept, or its size."""
        return int(SPANS[axis].stored.xreplace(self.point)) if axis in SPANS else self.sizes[axis.name]

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The tensors that the lines are given, by name."""
        return inputs(self.lines)

    @property
    def outputs(self) -> dict[str, Tensor]:
        """The tensors that the lines make and none of them uses, by name."""
        used = {tensor.name for line in self.lines for tensor in line.used}
        return {line.made.name: line.made for line in self.lines if line.made.name not in used}

    @property
    def bytes_held(self) -> int:
        """Memory that the case needs [byte]: every tensor of its lines, or both ends of a copy."""
        if not self.lines:
            return self.row["bytes"]
        tensors = {tensor.name: tensor for line in self.lines for tensor in line.tensors}
        return sum(map(self._bytes, tensors.values()))

    @property
    def bytes_read(self) -> int:
        """Bytes that the lines are given and touch [byte]."""
        return sum(int(tensor.bytes.xreplace(self.widths)) for tensor in self.inputs.values())

    def _bytes(self, tensor: Tensor) -> int:
        return int((tensor.stored if tensor.kind in CACHED else tensor.bytes).xreplace(self.widths))

    @cached_property
    def widths(self) -> dict[Symbol, float]:
        """The point, with bytes of an element by what it is for."""
        width = PRECISIONS[self.precision]
        return dict.fromkeys(WIDTHS.values(), width) | {BY_NAME[name]: size for name, size in WIDE.items()} | self.point


def fitting(cases: list[Case], room: float) -> tuple[list[Case], int]:
    """Cases that need at most `room` bytes, and how many need more.

    >>> small = Case.of("copy", "fp32", bytes=64)
    >>> fitting([small, Case.of("copy", "fp32", bytes=128)], room=100) == ([small], 1)
    True
    """
    kept = [case for case in cases if case.bytes_held <= room]
    return kept, len(cases) - len(kept)


def in_turns(cases: list[Case]) -> list[Case]:
    """The first case of each kind, then the second of each, and so on.

    >>> cases = [Case.of(kind, "fp32", bytes=size) for kind in ("read", "copy") for size in (1, 2)]
    >>> [case.title for case in in_turns(cases)]
    ['read bytes=1', 'copy bytes=1', 'read bytes=2', 'copy bytes=2']
    """
    seen: Counter[str] = Counter()
    turns = []
    for case in cases:
        turns.append(seen[case.kind])
        seen[case.kind] += 1
    return [case for _, case in sorted(zip(turns, cases, strict=True), key=lambda pair: pair[0])]


def attention(mechanism: str, precision: str, sizes: Mapping[str, int]) -> Iterator[Case]:
    """Decode of one mechanism: its core in every order, and what the order adds to the core (decompression)."""
    known = MECHANISMS[mechanism]
    dimensions = LATENT if known.latent else {"n_kv": sizes["n_hd"]} | HEAD
    shape = {**dimensions, **sizes, "l": 1}
    for order in known.orders:
        words = {"mechanism": mechanism} | ({"order": order} if known.latent else {})
        if known.latent:
            yield Case.of("decompression", precision, **words, **shape)
        yield Case.of("core_attention", precision, **words, **shape)


def of_mechanism(operation: str, mechanism: str, precision: str, **sizes: int) -> Case:
    """An operation of a mechanism that picks rows or keeps a state, with the sizes of its model beside those given."""
    model = models()[OF_MODEL[mechanism]]
    kind = next(each for each in model.attending if each.attention == mechanism)
    known = {"L_cut": cut(), "l": 1} | model.sizes_of(kind) | sizes
    columns = {name: known[name] for name in needed(operation, mechanism) if name in known}
    return Case.of(operation, precision, mechanism=mechanism, **columns)


def experts(precision: str, n_e: int, tokens_per_expert: int, dimensions: Mapping[str, int] = EXPERT) -> Case:
    """`n_e` experts over `tokens_per_expert` tokens each, dealt out evenly."""
    return Case.of(
        "experts", precision, tokens=n_e * tokens_per_expert, **dimensions, n_e=n_e, n_k=1, deg_EP=1, routing="balanced"
    )


def gemm(precision: str, tokens: int, d_emb: int, d_FFN: int) -> Case:
    """A matrix product of `tokens` rows."""
    return Case.of("gemm", precision, tokens=tokens, d_emb=d_emb, d_FFN=d_FFN)
