"""The planner: exhaustive, right at the edges, fast, and clear where nothing fits."""

import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ask import degrees
from analysis.ask.setting import Setting
from analysis.cli.commands_plan import plan as command
from analysis.data import datasets
from analysis.derive.symbols import deg_DP
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.memory import fits
from analysis.systems.plan import CAPACITY, SLO, candidates, planned, plans, why_second
from analysis.systems.quantities import evaluate
from tests.reader.rows import CHIP, LINK

R1 = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32, "L": 8192}


def test_the_best_plan_is_that_of_a_loop_over_the_public_quantities():
    best, found = plans(Setting.of(**R1, slo=0.03))[0], []
    for TP in (1, 2, 4, 8, 16, 32):
        for EP in (1, 2, 4, 8, 16, 32):
            given = {**R1, "slo": 0.03, "deg_TP": TP, "deg_EP": EP}
            batch = min(evaluate(name, **given).value for name in ("B_cap", "B_SLO")) // (32 // TP) * (32 // TP)
            if batch >= 32 / TP:
                rate = evaluate("throughput_per_accelerator", **given, B=int(batch)).value
                found.append((rate, TP, EP, int(batch)))
    assert (best.per_accelerator, best.degrees["deg_TP"], best.degrees["deg_EP"], best.batch) == pytest.approx(
        max(found)
    )
    assert best.tpot <= 0.03


def test_a_plan_of_a_billion_accelerators_tries_the_degrees_that_heads_and_experts_allow():
    """128 heads and 256 experts against 10^9 = 2^9 5^9: TP up to 2^7, EP up to 2^8, in a second."""
    started = time.process_time()
    every = candidates(Setting.of(**R1 | {"n_acc": 10**9}))
    assert time.process_time() - started < 1
    pairs = {(each["deg_TP"], each["deg_EP"]) for each in every}
    assert len(every) == len(pairs)
    assert pairs == {(2**tp, 2**ep) for tp in range(8) for ep in range(9)}


MANY = 3000


def by_brute_force(given: dict) -> list[tuple]:
    """Every batch of whole requests for each group: rate, TP, EP, B of the best of each pair, the best pair first.

    Memory is asked of what one accelerator stores and time of the public quantity; no limit on the batch is used.
    """
    row, count, found = datasets.model(given["model"]), given["n_acc"], []
    whole = [each for each in range(1, count + 1) if count % each == 0]
    for TP in (each for each in whole if row.n_hd % each == 0 and (row.n_kv % each == 0 or each % row.n_kv == 0)):
        for EP in (each for each in whole if row.n_e % each == 0) if row.n_moe else (None,):
            batches = np.arange(count // TP, MANY, count // TP, dtype=float)
            setting = Setting.of(**given, deg_TP=TP, deg_EP=EP, B=batches)
            tpot = np.asarray(evaluate("tpot", setting).value)
            able = fits(setting, setting.point) & (tpot <= (given.get("slo") or np.inf))
            if able.any():
                assert not able[-1]  # no larger batch is left out
                rates = np.where(able, batches / tpot / count, 0)
                best = len(rates) - 1 - int(np.argmax(rates[::-1]))
                found.append((rates[best], TP, EP, int(batches[best])))
    return sorted(found, key=lambda each: -each[0])


@settings(max_examples=12)
@given(
    st.sampled_from(("mixtral-8x7b", "llama-3.1-70b", "qwen3-30b-a3b")),
    st.sampled_from(("h200-sxm5", "b200-sxm")),
    st.sampled_from((2, 4, 6, 8)),
    st.integers(32_000, 200_000),
    st.sampled_from((None, 0.01, 0.03, 0.1)),
)
def test_the_plans_are_those_of_brute_force_over_every_batch(model, accelerator, count, L, slo):
    given = {"model": model, "accelerator": accelerator, "n_acc": count, "L": L, "slo": slo}
    wanted = by_brute_force({name: each for name, each in given.items() if each is not None})
    if not wanted:
        with pytest.raises(InputError):
            plans(Setting.of(**given))
        return
    found = plans(Setting.of(**given))
    assert [each.per_accelerator for each in found] == pytest.approx([each[0] for each in wanted], rel=1e-9)
    best = [each for each in wanted if each[0] >= wanted[0][0] * (1 - 1e-9)]
    assert (found[0].degrees["deg_TP"], found[0].degrees.get("deg_EP"), found[0].batch) in [each[1:] for each in best]


@settings(max_examples=15)
@given(st.integers(1, 6000), st.integers(1, 400))
def test_throughput_never_falls_with_the_batch(batch, more):
    rates = [evaluate("throughput_per_accelerator", **R1, B=each).value for each in (batch, batch + more)]
    assert rates[1] >= rates[0] * (1 - 1e-12)


def test_the_limit_changes_from_time_to_memory():
    assert plans(Setting.of(**R1, slo=0.02))[0].binding == SLO
    assert plans(Setting.of(**R1, slo=0.2))[0].binding == CAPACITY
    fullest = plans(Setting.of(**R1))[0]
    more = [fits(fullest.setting, fullest.setting.with_(B=fullest.batch + each).point) for each in (0, 32)]
    assert more == [True, False]  # one more request in each of the 32 groups is too many
    assert fullest.batch % 32 == 0


def test_no_resource_is_used_beyond_itself():
    for each in plans(Setting.of(**R1)):
        assert all(0 <= share <= 1 + 1e-9 for share in each.utilisation.values())


def test_degrees_that_the_reader_gave_stay():
    assert {each.degrees["deg_TP"] for each in plans(Setting.of(**R1, deg_TP=4))} == {4}
    assert all(each.degrees["deg_TP"] * each.degrees["deg_DP"] == 32 for each in plans(Setting.of(**R1)))


def test_the_second_says_why_it_loses():
    best, second = plans(Setting.of(**R1))[:2]
    assert second.per_accelerator <= best.per_accelerator
    assert "less throughput" in why_second(best, second)
    for share, said in (
        (1.0, "the same throughput"),
        (0.9991, "the same throughput"),
        (0.998, "0.2 % less throughput"),
    ):
        assert said in why_second(best, replace(second, per_accelerator=share * best.per_accelerator))
    alone = [each for each in candidates(Setting.of(**R1)) if each == {"deg_TP": 1, "deg_EP": 1}]
    assert len(alone) == 1
    assert not list(planned(Setting.of(**R1), alone))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"B": 64}, "a plan chooses B"),
        ({"L": None}, "needed: L="),
        ({"n_acc": 2}, "weights and one context per group"),
        ({"slo": 0.0001}, "none meets the SLO in any arrangement; a token takes 0.00[0-9]+ s at least"),
        ({"n_acc": [8, 16]}, "one value each"),
    ],
)
def test_refusals_are_one_sentence(given, said):
    with pytest.raises(InputError, match=said) as caught:
        plans(Setting.of(**R1 | given))
    assert "\n" not in str(caught.value)


def test_the_command_prints_both_plans():
    result = CliRunner().invoke(command, [f"{name}={given}" for name, given in R1.items()] + ["--json"])
    found = json.loads(result.output)
    assert found["best"]["B"] == 6493 // 32 * 32 == 6464  # 6493 fit, and each of 32 groups takes whole requests
    domain, published = found["notes"]
    assert domain == degrees.domain_note(Setting.of(**R1))
    assert "published with width_weights=1, counted here at 2" in published
    assert found["second"]["throughput_per_accelerator"] <= found["best"]["throughput_per_accelerator"]
    assert set(found["units"]) <= set(found["best"])
    assert found["conventions"]["accelerator"] == "b200-paper"
    assert not {"deg_TP", "deg_DP", "deg_EP", "B"} & set(found["conventions"])
    text = CliRunner().invoke(command, [f"{name}={given}" for name, given in R1.items()]).output
    assert "beside the best: " in text
    assert "note: link=nvlink5-b200 joins at most 8 accelerators" in text


def test_rows_by_path_a_dense_model_and_many_accelerators(tmp_path):
    (tmp_path / "chip.yml").write_text("\n".join(f"{name}: {given}" for name, given in CHIP.items()))
    (tmp_path / "link.yml").write_text("\n".join(f"{name}: {given}" for name, given in LINK.items()))
    rows = {"accelerator": f"{tmp_path}/chip.yml", "link": f"{tmp_path}/link.yml"}
    for model, count in (("llama-3.1-70b", 8), ("deepseek-v3", 1024)):
        given = rows | {"model": model, "n_acc": count, "L": 4096, "slo": 0.1}
        found = json.loads(CliRunner().invoke(command, [f"{k}={v}" for k, v in given.items()] + ["--json"]).output)
        assert found["best"]["deg_TP"] * found["best"]["deg_DP"] == count
        assert found["best"]["tpot"] <= 0.1
        assert ("deg_EP" in found["best"]) == (model == "deepseek-v3")


def test_drafts_that_are_accepted_serve_more_and_meet_the_slo_per_token():
    alone, drafted = (plans(Setting.of(**R1, slo=0.02, **more))[0] for more in ({}, {"l": 2, "acceptance": 0.9}))
    step = evaluate("tpot", **R1, **drafted.degrees, l=2, B=drafted.batch).value
    assert drafted.tpot == pytest.approx(step / 1.9)
    assert drafted.tpot <= 0.02
    assert drafted.per_accelerator > alone.per_accelerator
    assert all(0 <= share <= 1 + 1e-9 for share in drafted.utilisation.values())


def test_the_shortest_time_that_a_refusal_names_can_be_served():
    with pytest.raises(InputError) as caught:
        plans(Setting.of(**R1, slo=0.0001))
    least = float(re.search(r"takes ([0-9.e-]+) s", str(caught.value))[1])
    assert plans(Setting.of(**R1, slo=least * 1.01))[0].tpot <= least * 1.01
    with pytest.raises(InputError, match="none meets the SLO"):
        plans(Setting.of(**R1, slo=least * 0.98))


@pytest.mark.parametrize("count", [2048, 65536])
def test_many_accelerators_are_planned_in_a_second(count):
    plans(Setting.of(**R1, slo=0.1))
    started = time.process_time()
    found = plans(Setting.of(**R1 | {"n_acc": count}, slo=0.1))
    assert time.process_time() - started < 1
    assert len(found) > 20


MORE = (
    {"s": 0.8, "placement": "lpt"},
    {"s": 0.5, "Gamma_imb": 2, "calibration": "published"},
    {"placement": "replicated", "copies": 32},
    {"rounding": "none", "overlap": "comm"},
    {"rounding": "down", "group": 8, "link_between": "ib-xdr"},
    {"l": 2, "acceptance": 0.8, "deg_ETP": 4},
    {"model": "gpt-oss-20b", "format": "served", "slo": 0.02},
)


@pytest.mark.parametrize("more", MORE)
def test_plans_made_together_are_those_of_one_pair_of_degrees_each(more):
    """Each plan from the public quantities of a setting of its own, and nothing is served where no plan is."""
    given = R1 | {"slo": 0.05} | more
    found = {tuple(each.chosen.items()): each for each in plans(Setting.of(**given))}
    for pair in candidates(Setting.of(**given)):
        alone, plan_found = Setting.of(**given | pair), found.get(tuple(pair.items()))
        cap, within = (evaluate(name, alone).value for name in ("B_cap", "B_SLO"))
        batch = float(system.rounded(min(cap, within), alone))
        assert (plan_found is not None) == (batch >= alone.point[deg_DP]), pair
        if plan_found:
            assert (plan_found.batch, plan_found.binding) == (int(batch), CAPACITY if cap <= within else SLO)
            if batch.is_integer():
                assert plan_found.tpot == pytest.approx(evaluate("tpot", alone.with_(B=batch)).value, rel=1e-12)


def test_nonsense_ends_in_one_sentence_that_names_the_remedy():
    with pytest.raises(InputError, match=r"leave deg_EP=5 out"):
        plans(Setting.of(**R1, deg_EP=5))
    with pytest.raises(InputError, match="one value each"):
        plans(Setting.of(**R1 | {"L": [1024, 2048]}))
