"""The paper's Table III beside our own counts: one layer a kernel, K alone, no RoPE, every element the same width.

Our counts charge every operand. Where the printed intensity is reached only when operands are left out of the bytes,
`dropped` names the fewest that do it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from sympy import Expr, Integer

from analysis.derive.attention import MLA
from analysis.derive.einsum import Einsum, Kernel, Tensor
from analysis.derive.reordering import limits
from analysis.derive.symbols import B, L, causal, l, width_activations, width_kv, width_weights
from analysis.evaluate import datasets
from analysis.evaluate.numbers import value
from analysis.evaluate.setting import Setting

MODEL = "deepseek-v3"
PHASES = {"prefill": L, "decode": Integer(1)}
LAYERS = {"K decompression": ("decompression", "W_DK"), "score": ("core", "S")}  # stage, and a tensor of the line meant
ORDERS = ("as_printed", "reordered")
PLAIN = {width_weights: Integer(2), width_kv: Integer(2), width_activations: Integer(2), causal: Integer(1)}
FIRST_CLAIM = 29  # C029 to C036 are the table's rows, in its order


@dataclass(frozen=True)
class Entry:
    """One row of Table III: our kernel, and the intensity printed for DeepSeek-R1."""

    phase: str
    layer: str
    order: str
    claim: str

    @cached_property
    def kernel(self) -> Kernel:
        """The layer's line as a kernel of its own."""
        stage, tensor = LAYERS[self.layer]
        return Kernel(self.layer, (_line(MLA.stages(self.order, rope="out")[stage], tensor),))

    @property
    def flops(self) -> Expr:
        """Operations [FLOP]."""
        return self.kernel.flops.xreplace({l: PHASES[self.phase]})

    def bytes(self, without: tuple[Tensor, ...] = ()) -> Expr:
        """Bytes of every operand and the result, but for the tensors in `without` [byte]."""
        kept = (tensor for tensor in self.kernel.boundary if tensor not in without)
        return sum((tensor.bytes for tensor in kept), Integer(0)).xreplace({l: PHASES[self.phase]})

    def intensity(self, without: tuple[Tensor, ...] = ()) -> Expr:
        """Arithmetic intensity at 2-byte elements and without a causal mask, every operand charged [FLOP/byte]."""
        return (self.flops / self.bytes(without)).xreplace(PLAIN)

    def limit(self, without: tuple[Tensor, ...] = ()) -> Expr:
        """The intensity of an endless batch and context [FLOP/byte]."""
        return limits(self.intensity(without), [B, L]).factor()

    def number(self, without: tuple[Tensor, ...] = ()) -> float:
        """The limit for DeepSeek-R1 [FLOP/byte]."""
        return float(value(self.limit(without), Setting.of(model=MODEL).point))

    @property
    def printed(self) -> str:
        """What the paper prints for DeepSeek-R1."""
        return datasets.claims()[self.claim].paper_value

    @cached_property
    def dropped(self) -> tuple[str, ...] | None:
        """The fewest operands to leave out so that the limit rounds to the printed value; None if no choice does."""
        operands = [tensor for tensor in self.kernel.boundary if tensor.kind != "weights"]
        for count in range(len(operands)):
            for without in combinations(operands, count):
                if agrees(self.number(without), self.printed):
                    return tuple(tensor.name for tensor in without)
        return None


def agrees(ours: float, printed: str) -> bool:
    """Whether our value rounds to the printed one; trailing zeros of a whole number are not digits.

    >>> agrees(102.4, "100"), agrees(496.5, "512")
    (True, False)
    """
    step = 10.0 ** (len(printed) - len(printed.rstrip("0")))
    return abs(ours - float(printed)) <= step / 2


def _line(given: tuple[Einsum, ...], tensor: str) -> Einsum:
    return next(line for line in given if tensor in {operand.name for operand in line.tensors})


def entries() -> Iterator[Entry]:
    """The eight rows, in the order of the paper's table."""
    rows = ((phase, layer, order) for phase in PHASES for layer in LAYERS for order in ORDERS)
    for number, row in enumerate(rows, FIRST_CLAIM):
        yield Entry(*row, f"C{number:03d}")
