"""Variants of the verdict: each reaches each margin, or a reason why it cannot is proven; numbers behind verdicts."""

import numpy as np
import pytest
from sympy import Symbol

from analysis.ask.setting import Setting
from analysis.derive.symbols import (
    BW_Int,
    BW_mem,
    Gamma_acc,
    L,
    M_cap,
    P_acc,
    deg_EP,
    width_activations,
    width_kv,
    width_weights,
)
from analysis.render import sensitivity_tables
from analysis.systems import system
from analysis.systems.layers import layers
from analysis.systems.quantities import evaluate
from analysis.thesis import conclusions, margins, sensitivity
from analysis.thesis.verdict import PLAIN, UNJUDGED, VARIANTS, Verdict, verdicts
from analysis.thesis.world import world
from tests.ledger.ledger_systems_by_hand import INFINIBAND, r1
from tests.systems.calibrated_by_hand import B200_PRINTED, cells

R1 = "deepseek-v3"
R1_32 = Setting.of(model=R1, accelerator="b200-paper", link="nvlink5-b200", n_acc=32)


def same(one: Verdict, other: Verdict) -> bool:
    return all(np.array_equal(found, other.inside[model], equal_nan=True) for model, found in one.inside.items())


@pytest.mark.parametrize("variant", [each for each in VARIANTS if each != PLAIN])
def test_a_variant_changes_the_margin_or_says_why_it_cannot(variant):
    for each, other in zip(verdicts(), verdicts(variant), strict=True):
        name, reason = each.conclusion.name, each.conclusion.blind.get(variant)
        unknown = reason == conclusions.DEVICE_UNKNOWN
        assert (other.holds == UNJUDGED) == unknown, name
        assert same(each, other) == (reason is not None and not unknown), name


def inputs(setting: Setting, *stages: str) -> tuple:
    """All that decides operations and bytes of some layers."""
    forms = [form for stage in stages for form in (layers(setting)[stage].flops, layers(setting)[stage].bytes)]
    used = {symbol: setting.point[symbol] for form in forms for symbol in form.free_symbols if symbol in setting.point}
    return forms, used


def free(*forms) -> set[Symbol]:
    return set().union(*(form.free_symbols for form in forms))


def test_reasons_why_a_variant_cannot_enter_are_proven():
    """Forms of operations and bytes hold no rate, link or capacity; a kernel's own times none of wires or memory."""
    resources, changed = {P_acc, BW_mem, BW_Int, M_cap}, ({"overlap": "comm"}, {"weights": "eq11"})
    changed += ({"calibration": "published"}, {"link": "ib-xdr"}, {"accelerator": "b200-sxm"})
    for stages in (("core",), ("routed", "dense", "output")):
        forms, used = inputs(R1_32.with_(B=64, L=8192), *stages)
        assert not free(*forms) & resources
        assert all(inputs(R1_32.with_(B=64, L=8192, **each), *stages) == (forms, used) for each in changed)
    spilled = R1_32.with_(grouping="spilled")
    assert inputs(spilled, "routed", "dense", "output") == inputs(R1_32, "routed", "dense", "output")
    bytes_moved, one = layers(R1_32)["core"].bytes, Symbol("w")
    alike = bytes_moved.xreplace(dict.fromkeys((width_weights, width_kv, width_activations), one)).expand()
    assert one not in (alike / one).expand().free_symbols
    core = system.terms(R1_32)["core_attention"]
    assert not core.free_symbols & {BW_Int, M_cap, Gamma_acc, deg_EP}
    assert {P_acc, BW_mem, L} <= core.free_symbols
    assert all(system.terms(R1_32.with_(**each))["core_attention"] == core for each in changed[:2])
    assert "grouping" in {axis.name for axis in {each.name: each for each in conclusions.CONCLUSIONS}["raises"].axes}
    assert world(calibration="published").device is world(width=1, peak="fp8").device is None


def test_shares_under_overlap_are_of_the_overlapped_time():
    """By the command's own road: 25.34 ms a step, of which the core takes 15.03 ms and wires hide."""
    numbers = {each.name: each for each in sensitivity.numbers()}
    B = 6493  # of the 6493.7 that memory holds
    plain = evaluate("tpot_terms", R1_32.with_(L=8192, B=B)).value
    step = evaluate("tpot", R1_32.with_(L=8192, B=B, overlap="comm")).value
    found = numbers["wires hidden"]
    assert found.step == pytest.approx(step, rel=2e-4) == pytest.approx(25.34e-3, abs=5e-6)
    assert found.core_share == pytest.approx(plain["core_attention"] / step, rel=2e-4) == pytest.approx(0.593, abs=5e-4)
    assert found.wires_share == 0
    assert numbers[PLAIN].core_share == pytest.approx(plain["core_attention"] / sum(plain.values()), rel=2e-4)
    assert "| wires hidden | 25.3 | 59.3" in sensitivity_tables.sensitivity_table()


def test_steps_of_other_variants_by_hand():
    """R1's terms typed as numbers, at the 6493.7 requests that 32 x 192e9 byte hold at 8K."""
    numbers, B = {each.name: each for each in sensitivity.numbers()}, 6493.7
    for name, terms in {PLAIN: r1(B, 8192), "slow link": r1(B, 8192, wire=INFINIBAND)}.items():
        assert numbers[name].step == pytest.approx(sum(terms.values()), rel=1e-3)
        assert numbers[name].core_share == pytest.approx(terms["core"] / sum(terms.values()), rel=1e-3)
        assert numbers[name].wires_share == pytest.approx(terms["wires"] / sum(terms.values()), rel=1e-3)
    ends = [numbers[name].context for name in (PLAIN, "slow link")]
    assert ends == pytest.approx([1826, 14904], rel=1e-3)
    assert [numbers[name].requests for name in (PLAIN, "measured")] == pytest.approx([916, 538], rel=2e-3)
    block = B200_PRINTED.block
    assert block(538 / 4, 1024, 8) == pytest.approx(block(538 / 32, 1024, 1), rel=1e-3)


def test_variants_are_what_their_names_say():
    assert VARIANTS == {
        PLAIN: {},
        "wires hidden": {"overlap": "comm"},
        "Eq. 11": {"weights": "eq11"},
        "FP8": {"width": 1, "peak": "fp8"},
        "spilled": {"grouping": "spilled"},
        "no RoPE": {"rope": "out"},
        "shipped": {"chips": "shipped"},
        "slow link": {"links": "slow"},
        "measured": {"calibration": "published"},
        "90 % memory": {"memory_share": 0.9},
    }
    assert world(chips="shipped").systems[R1]["accelerator"] == "b200-sxm"
    assert float(world(memory_share=0.9).columns[M_cap][3]) == pytest.approx(0.9 * 192e9)


def test_where_wires_outlast_work_the_work_takes_no_share():
    terms = world(overlap="comm", links="slow").shown(R1, {"context": 1024.0})
    assert terms["core_attention"] == terms["routed_experts"] == 0 < terms["dispatch"]


def test_measured_rates_turn_tensor_parallelism_at_600_requests_and_1K():
    place = {"context": 1024.0, "requests": 600.0, "link": "fast", "degree": 8}
    plain, measured = (float(margins.tensor(world(**each), R1, place)) for each in ({}, {"calibration": "published"}))
    assert plain == pytest.approx(-0.253, abs=1e-3)
    block = B200_PRINTED.block
    assert 0 < measured == pytest.approx(block(600 / 4, 1024, 8) / block(600 / 32, 1024, 1) - 1)
    place |= {"requests": 512.0}
    assert float(margins.tensor(world(), R1, place)) == pytest.approx(-0.327, abs=1e-3)
    ratio = [evaluate("attention_block_time", R1_32.with_(B=64, L=1024, deg_TP=degree)).value for degree in (8, 1)]
    assert float(margins.tensor(world(), R1, place | {"requests": 64.0})) == pytest.approx(-0.740, abs=1e-3)
    assert ratio[0] / ratio[1] == pytest.approx(0.25, abs=0.005)  # which leaves the all-reduce out


def test_measured_experts_fall_behind_dense_layers_at_121_requests_by_hand():
    """At 8K without skew, 8 of 256 experts on each of 32: arithmetic that experts attain over the output projection's.

    They hold nine tenths of its pace below 121 requests, where both still read weights, and not above.
    """
    aligned = next(each for each in verdicts("measured") if each.conclusion.name == "aligns")
    (stretch,) = aligned.boundaries[0][1]
    assert (stretch.low, stretch.high) == (None, pytest.approx(121.2, rel=1e-3))
    floor = cells("gemm.blackwell")["floor"]

    def balance(requests):
        tokens, reached = requests * 8 / 32, 8 * (1 - (1 - 8 / 256) ** requests)
        experts = 2 * 3 * tokens * 7168 * 2048 / B200_PRINTED.experts(tokens, reached)
        rows = requests / 32
        projection = 2 * rows * 16384 * 7168 / (floor + B200_PRINTED.product(rows, 16384, 7168))
        return experts / projection

    assert balance(stretch.high) == pytest.approx(0.9, rel=1e-3)
    for requests, holds in ((stretch.high * 0.98, True), (stretch.high * 1.02, False)):
        place = {"context": 8192.0, "requests": requests, "link": "fast", "skew": 0.0}
        margin = float(margins.aligns(world(calibration="published"), R1, place))
        assert (margin > 0) == holds
        assert margin == pytest.approx(balance(requests) - 0.9, abs=1e-3)
