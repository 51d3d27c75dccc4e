"""Table III: arithmetic intensity of four layers in prefill and decode, charged operand by operand (C029 to C036).

The table charges layers one by one, without RoPE, and prints the limit of large batch and context. Some of its rows
print what only every tensor charged once gives; that is the table's own rule, and the first reading of every row. The
other readings are all the other ways to charge a layer's tensors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations

from sympy import Expr, Integer, Symbol, oo

from analysis.ask.setting import Setting
from analysis.derive.attention import MLA
from analysis.derive.block import Conventions, attention_stages
from analysis.derive.einsum import Kernel, Tensor
from analysis.derive.reordering import limits
from analysis.derive.symbols import B, L, causal, l
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.printed_values import printed
from analysis.ledger.readings import Paper
from analysis.systems.quantities import quantity

QUERY: dict[str, Expr] = {"prefill": L, "decode": Integer(1)}


@dataclass(frozen=True)
class Entry:
    """A row of Table III: phase, layer (the tensor it makes) and contraction order."""

    phase: str
    stage: str
    makes: str
    order: str

    @property
    def kernel(self) -> Kernel:
        """The layer as a kernel of its own, RoPE left out."""
        kernels = attention_stages(MLA, Conventions(self.order, "layered", "out"))[self.stage]
        return next(kernel for kernel in kernels if kernel.lines[0].made.name == self.makes)

    @property
    def step(self) -> dict[Symbol, Expr]:
        """The query length of the phase; all score pairs are counted."""
        return {l: QUERY[self.phase], causal: Integer(1)}

    def intensity(self, charged: tuple[Tensor, ...], sizes: dict[Symbol, object] | None = None) -> Expr:
        """The limit of FLOPs over the bytes of the charged tensors as B and L grow; sizes may be put in first."""
        ratio = self.kernel.flops / sum((tensor.bytes for tensor in charged), Integer(0))
        return limits(ratio.xreplace(self.step).xreplace(sizes or {}), [B, L])


TABLE_III = {
    "C029": Entry("prefill", "decompression", "k", "as_printed"),
    "C030": Entry("prefill", "decompression", "q_C", "reordered"),
    "C031": Entry("prefill", "core", "S", "as_printed"),
    "C032": Entry("prefill", "core", "S", "reordered"),
    "C033": Entry("decode", "decompression", "k", "as_printed"),
    "C034": Entry("decode", "decompression", "q_C", "reordered"),
    "C035": Entry("decode", "core", "S", "as_printed"),
    "C036": Entry("decode", "core", "S", "reordered"),
}
# The table writes (1/d_hd + 1/d_KVco)^-1 next to "100", so there the last two zeros of the print are not exact.
ROUNDED = {"C030": 2, "C036": 2}
SAME_OPERATION = {"C034": "C030"}  # one token or many: the batch is endless in both


def _sizes() -> dict[Symbol, Integer]:
    point = Setting.of(model="deepseek-v3").point
    return {
        symbol: Integer(size) for symbol, size in point.items() if isinstance(size, int) and symbol not in (B, L, l)
    }


def _subsets(tensors: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
    for size in range(len(tensors), 0, -1):
        yield from combinations(tensors, size)


def _readings(paper: Paper, entry: Entry) -> tuple:
    found = [(charged, entry.intensity(charged, _sizes())) for charged in _subsets(entry.kernel.boundary)]
    return tuple(
        paper.reading(
            "charged: " + ", ".join(tensor.name for tensor in charged),
            float(value),
            own=charged == entry.kernel.boundary,
        )
        for charged, value in found
        if value != oo
    )


def _dropped(entry: Entry, reading) -> str:
    kept = reading.name.removeprefix("charged: ").split(", ")
    return " and ".join(tensor.name for tensor in entry.kernel.boundary if tensor.name not in kept)


def _table3(paper: Paper, id_: str) -> Judgement:
    entry, twin = TABLE_III[id_], SAME_OPERATION.get(id_)
    readings = _readings(paper, entry)
    reason = f"With every tensor charged once the limit is {_closed(entry)} = {readings[0].value:.4g} FLOP/byte"
    if not readings[0].fits:
        reason += f", as rows {' and '.join(rows_that_charge_all())} charge"
    if twin is not None:
        reason += (
            f", as for the same operation in {TABLE_III[twin].phase}, printed there as {printed(twin)[0].value:.0f}"
        )
    label = quantity("kv_decompression_flops" if entry.stage == "decompression" else "core_attention_intensity").label
    reason += _what_is_dropped(entry, readings, paper.numbers[0].value) + "."
    return Judgement(readings, reason, "FLOP/byte", label)


@cache
def rows_that_charge_all() -> tuple[str, ...]:
    """The rows whose printed number every tensor charged once gives, and no other charge that counts: the table's rule.

    A tensor that weighs nothing in the limit may be left out without a trace, so such readings tell nothing.
    """
    return tuple(id_ for id_ in TABLE_III if _charges_all(id_))


def _charges_all(id_: str) -> bool:
    whole, *others = _readings(Paper(printed(id_, ROUNDED.get(id_))), TABLE_III[id_])
    telling = [reading for reading in others if reading.value != whole.value]
    return whole.fits and bool(telling) and not any(reading.fits for reading in telling)


def _what_is_dropped(entry: Entry, readings: tuple, number: float) -> str:
    """The tensors to leave out for the printed number, where charging all of them misses it."""
    if readings[0].value == number:
        return ""
    if readings[0].fits:
        exact = next((reading for reading in readings if reading.value == number), None)
        return f"; exactly {number:g} leaves out {_dropped(entry, exact)}" if exact else ""
    dropped = next((_dropped(entry, reading) for reading in readings if reading.fits), "something else")
    return f"; the printed number leaves out {dropped}"


def _closed(entry: Entry) -> str:
    """The limit in symbols, widths taken as equal."""
    sizes = {symbol: Integer(2) for symbol in entry.kernel.bytes.free_symbols if symbol.name.startswith("width")}
    return str(entry.intensity(entry.kernel.boundary, sizes).factor())


for _id in TABLE_III:
    claim(_id, significant=ROUNDED.get(_id))(partial(_table3, id_=_id))
