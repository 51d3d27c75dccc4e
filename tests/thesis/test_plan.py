"""The planner: exhaustive, right at the edges, fast, and clear where nothing fits."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.commands_plan import plan as command
from analysis.errors import InputError
from analysis.evaluate.plan import CAPACITY, SLO, candidates, planned, plans, why_second
from analysis.evaluate.quantities import evaluate
from analysis.evaluate.setting import Setting
from tests.reader.rows import CHIP, LINK

R1 = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32, "L": 8192}


def test_the_best_plan_is_that_of_a_loop_over_the_public_quantities():
    best, found = plans(Setting.of(**R1, slo=0.03))[0], []
    for TP in (1, 2, 4, 8, 16, 32):
        for EP in (1, 2, 4, 8, 16, 32):
            given = {**R1, "slo": 0.03, "deg_TP": TP, "deg_EP": EP}
            batch = min(evaluate(name, **given).value for name in ("B_cap", "B_SLO"))
            if batch >= 32 / TP:
                rate = evaluate("throughput_per_accelerator", **given, B=int(batch)).value
                found.append((rate, TP, EP, int(batch)))
    assert (best.per_accelerator, best.degrees["deg_TP"], best.degrees["deg_EP"], best.batch) == pytest.approx(
        max(found)
    )
    assert best.tpot <= 0.03


@settings(max_examples=15)
@given(st.integers(1, 6000), st.integers(1, 400))
def test_throughput_never_falls_with_the_batch(batch, more):
    rates = [evaluate("throughput_per_accelerator", **R1, B=each).value for each in (batch, batch + more)]
    assert rates[1] >= rates[0] * (1 - 1e-12)


def test_the_limit_changes_from_time_to_memory():
    assert plans(Setting.of(**R1, slo=0.02))[0].binding == SLO
    assert plans(Setting.of(**R1, slo=0.2))[0].binding == CAPACITY
    assert plans(Setting.of(**R1))[0].utilisation["memory capacity"] == pytest.approx(1, abs=1e-3)


def test_no_resource_is_used_beyond_itself():
    for each in plans(Setting.of(**R1)):
        assert all(0 <= share <= 1 + 1e-9 for share in each.utilisation.values())


def test_degrees_that_the_reader_gave_stay():
    assert {each.degrees["deg_TP"] for each in plans(Setting.of(**R1, deg_TP=4))} == {4}
    assert all(
        each["deg_TP"] * each.point[next(s for s in each.point if s.name == "deg_DP")] == 32
        for each in candidates(Setting.of(**R1))
    )


def test_the_second_says_why_it_loses():
    best, second = plans(Setting.of(**R1))[:2]
    assert second.per_accelerator <= best.per_accelerator
    assert "less throughput" in why_second(best, second)
    assert planned(Setting.of(**R1, deg_TP=1, deg_EP=1)) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"B": 64}, "a plan chooses B"),
        ({"L": None}, "L= is needed"),
        ({"n_acc": 2}, "weights and one context per group"),
        ({"slo": 0.0001}, "none meets the SLO"),
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
    assert found["best"]["B"] == 6493
    assert found["second"]["throughput_per_accelerator"] <= found["best"]["throughput_per_accelerator"]
    assert set(found["units"]) <= set(found["best"])
    assert found["conventions"]["accelerator"] == "b200-paper"
    assert not {"deg_TP", "deg_DP", "deg_EP", "B"} & set(found["conventions"])
    text = CliRunner().invoke(command, [f"{name}={given}" for name, given in R1.items()]).output
    assert "it loses:" in text


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


def test_nonsense_ends_in_one_sentence_that_names_the_remedy():
    with pytest.raises(InputError, match=r"leave deg_EP=5 out"):
        plans(Setting.of(**R1, deg_EP=5))
    with pytest.raises(InputError, match="one value each"):
        plans(Setting.of(**R1 | {"L": [1024, 2048]}))
