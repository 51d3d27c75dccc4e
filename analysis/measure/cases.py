"""What is timed: an operation with its shape, its einsum lines, and arrays to run it on."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from analysis.derive.attention import MECHANISMS
from analysis.derive.einsum import Einsum, Tensor
from analysis.derive.feedforward import PLAIN_FFN, ROUTED_EXPERTS
from analysis.derive.symbols import BY_NAME
from analysis.measure.execute import inputs
from analysis.measured.kernel_rows import PRECISIONS

LATENT = {"d_KVco": 512, "d_nope": 128, "d_RoPE": 64, "d_v": 128}
"""Dimensions of the latent mechanism timed, those of DeepSeek-V3."""
HEAD = {"d_hd": 128}
EXPERT = {"d_emb": 7168, "d_MoE": 2048}
"""Dimensions of one expert timed, those of DeepSeek-V3."""


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

    @cached_property
    def lines(self) -> tuple[Einsum, ...]:
        """The einsum lines of the derivation that the operation carries out; none for `read` and `copy`."""
        if self.operation in ("core_attention", "decompression"):
            stage = {"core_attention": "core"}.get(self.operation, self.operation)
            return MECHANISMS[self.row["mechanism"]].stages(self.row.get("order", "as_printed"))[stage]
        return {"experts": ROUTED_EXPERTS, "gemm": PLAIN_FFN[:1]}.get(self.operation, ())

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Size of each axis of the lines."""
        sizes = {name: size for name, size in self.row.items() if name in BY_NAME}
        if "n_kv" in sizes:
            sizes["deg_grp"] = sizes["n_hd"] // sizes["n_kv"]
        if self.operation == "gemm":
            sizes |= {"B": self.row["tokens"], "l": 1}
        if self.operation == "experts":
            sizes |= {"n_act": sizes["n_e"], "T_e": self.row["tokens"] * sizes["n_k"] // sizes["n_e"]}
        return sizes

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Sizes of a tensor's axes."""
        return tuple(self.sizes[axis.name] for axis in tensor.axes)

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
        elements = sum(prod(self.shape(tensor)) for tensor in tensors.values())
        return int(elements * PRECISIONS[self.precision])


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


def experts(precision: str, n_e: int, tokens_per_expert: int, dimensions: Mapping[str, int] = EXPERT) -> Case:
    """`n_e` experts over `tokens_per_expert` tokens each, dealt out evenly."""
    return Case.of(
        "experts", precision, tokens=n_e * tokens_per_expert, **dimensions, n_e=n_e, n_k=1, deg_EP=1, routing="balanced"
    )


def gemm(precision: str, tokens: int, d_emb: int, d_FFN: int) -> Case:
    """A matrix product of `tokens` rows."""
    return Case.of("gemm", precision, tokens=tokens, d_emb=d_emb, d_FFN=d_FFN)
