"""Table III of the paper, typed here as an oracle beside what the einsum lines give.

Its setting: every layer runs alone, RoPE parts left out, 2-byte elements, all score pairs computed, d_nope = d_hd.
Each row names the operands that its printed bytes leave out; with every operand charged once, the limit of the
intensity for B and L without bound is the printed one, unless the row says otherwise.
"""

from dataclasses import dataclass

import pytest
from sympy import Expr, Integer, Rational, simplify

from analysis.derive.attention import MLA
from analysis.derive.block import Conventions, attention_stages
from analysis.derive.einsum import Kernel
from analysis.derive.reordering import limits
from analysis.derive.symbols import (
    B,
    L,
    causal,
    d_hd,
    d_KVco,
    d_nope,
    d_v,
    l,
    n_hd,
    width_activations,
    width_kv,
    width_weights,
)

PHASE = {"prefill": {l: L}, "decode": {l: Integer(1)}}
SETTING = {width_weights: 2, width_kv: 2, width_activations: 2, causal: 1, d_nope: d_hd, d_v: d_hd}
R1 = {n_hd: 128, d_hd: 128, d_KVco: 512}


def parallel(*terms: Expr) -> Expr:
    """The form in which the paper writes two limits: the inverse of a sum of inverses."""
    return 1 / sum(1 / term for term in terms)


@dataclass(frozen=True)
class Row:
    """One printed row, `phase | order | kernel`, and the operands missing from its bytes; the limit with all operands
    charged and R1's value of it, where they are not the printed ones."""

    where: str
    flops: Expr
    bytes: Expr
    intensity: Expr
    rounded: int
    left_out: str
    charged: Expr | None = None
    value: str = ""

    def __str__(self) -> str:
        return self.where

    phase, order, kernel = (property(lambda self, at=at: self.where.split(" | ")[at]) for at in range(3))
    limit = property(lambda self: self.intensity if self.charged is None else self.charged)


K, S, Q = "decompression: k", "core: S", "decompression: q_C"
TABLE_III = [
    Row(
        f"prefill | as_printed | {K}",
        2 * B * L * d_KVco * n_hd * d_hd,
        2 * B * L * n_hd * d_hd,
        d_KVco,
        512,
        "c_KV W_DK",
        parallel(d_KVco, n_hd * d_hd),
        "16384/33",
    ),
    Row(
        f"prefill | reordered | {Q}",
        2 * B * L * d_KVco * n_hd * d_hd,
        2 * B * (L * n_hd * d_hd + L * n_hd * d_KVco),
        parallel(d_hd, d_KVco),
        100,
        "W_DK",
        value="512/5",
    ),
    Row(f"prefill | as_printed | {S}", 2 * B * n_hd * L**2 * d_hd, 2 * B * n_hd * L**2, d_hd, 128, "q_N k"),
    Row(f"prefill | reordered | {S}", 2 * B * n_hd * L**2 * d_KVco, 2 * B * n_hd * L**2, d_KVco, 512, "q_C c_KV"),
    Row(
        f"decode | as_printed | {K}",
        2 * B * d_KVco * L * n_hd * d_hd,
        2 * B * L * n_hd * d_hd,
        d_KVco,
        512,
        "c_KV W_DK",
        parallel(d_KVco, n_hd * d_hd),
        "16384/33",
    ),
    Row(
        f"decode | reordered | {Q}",
        2 * B * d_KVco * n_hd * d_hd,
        2 * B * d_KVco * n_hd,
        d_hd,
        128,
        "q_N W_DK",
        parallel(d_hd, d_KVco),
        "512/5",
    ),
    Row(
        f"decode | as_printed | {S}",
        2 * B * n_hd * L * d_hd,
        2 * B * n_hd * d_hd * L,
        Integer(1),
        1,
        "q_N S",
        d_hd / (d_hd + 1),
        "128/129",
    ),
    Row(
        f"decode | reordered | {S}",
        2 * B * n_hd * L * d_KVco,
        2 * B * (d_KVco * L + n_hd * L),
        parallel(n_hd, d_KVco),
        100,
        "q_C",
        value="512/5",
    ),
]
every_row = pytest.mark.parametrize("printed", TABLE_III, ids=str)


def ours(printed: Row) -> Kernel:
    stages = attention_stages(MLA, Conventions(printed.order, grouping="layered", rope="out"))
    (found,) = (k for kernels in stages.values() for k in kernels if k.name == printed.kernel)
    return found


def in_setting(printed: Row, expression: Expr) -> Expr:
    return expression.xreplace(PHASE[printed.phase]).subs(SETTING)


def test_the_table_has_eight_rows():
    assert len({str(printed) for printed in TABLE_III}) == 8


@every_row
def test_flops_as_printed(printed):
    assert simplify(in_setting(printed, ours(printed).flops) - printed.flops) == 0


@every_row
def test_printed_bytes_leave_out_exactly_the_named_operands(printed):
    tensors = ours(printed).tensors
    left_out = sum(in_setting(printed, tensors[name].bytes) for name in printed.left_out.split())
    assert simplify(in_setting(printed, ours(printed).bytes) - printed.bytes - left_out) == 0


@every_row
def test_printed_intensity_follows_from_the_printed_bytes(printed):
    assert simplify(printed.flops / printed.bytes - printed.intensity) == 0


@every_row
def test_limit_with_every_operand_charged(printed):
    derived = limits(in_setting(printed, ours(printed).intensity), [B, L])
    assert simplify(derived - printed.limit) == 0
    assert derived.subs(R1) == Rational(printed.value or printed.rounded)


@every_row
def test_printed_values_for_r1_are_roundings(printed):
    """100 stands for 102.4; the other printed integers are exact."""
    exact = Rational("102.4") if printed.rounded == 100 else printed.rounded
    assert printed.intensity.subs(R1) == exact


def test_decode_decompression_reordered_has_the_limit_of_its_prefill_row():
    """One operation, one intensity: the paper prints 100 in prefill and, with q left out, 128 in decode."""
    prefill, decode = (next(r for r in TABLE_III if (r.phase, r.kernel) == (phase, Q)) for phase in PHASE)
    assert prefill.limit == decode.limit
    assert prefill.limit.subs(R1) == Rational("102.4")
    assert decode.intensity.subs(R1) == 128


@pytest.mark.parametrize("phase", PHASE)
@pytest.mark.parametrize(
    ("order", "key_side", "value_side"),
    [
        ("as_printed", K, "decompression: v"),
        ("reordered", Q, "decompression: o"),
        ("as_printed", S, "core: o"),
        ("reordered", S, "core: o_C"),
    ],
)
def test_rows_for_keys_hold_for_values_too(phase, order, key_side, value_side):
    """Table III prints the key side only; the value side costs the same with d_v for d_nope."""
    stages = attention_stages(MLA, Conventions(order, grouping="layered", rope="out"))
    kernels = {k.name: k for stage in stages.values() for k in stage}
    key, value = (kernels[name].at(PHASE[phase]) for name in (key_side, value_side))
    assert (value.flops - key.flops.subs(d_nope, d_v)).expand() == 0
    assert (value.bytes - key.bytes.subs(d_nope, d_v)).expand() == 0
