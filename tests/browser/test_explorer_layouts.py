"""What the explorer advises: layouts, remedies, plans and effects, against the study's own search and closed forms."""

import random

import numpy as np
import pytest

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import B, BW_Int, BW_mem, P_acc
from analysis.render.explorer import LARGEST_TP
from analysis.systems import system
from analysis.systems.plan import candidates, plans, together
from analysis.systems.quantities import quantity

DEGREES = ("deg_TP", "deg_DP", "deg_EP")
TIGHT = {"model": "gpt3-175b", "L": "131072", "deg_TP": "1", "deg_DP": "1"}
RATES = {"memory bandwidth": BW_mem, "arithmetic": P_acc, "link": BW_Int}


def setting(state: dict, **more) -> Setting:
    """The state's system without its layout and batch."""
    given = {name: each for name, each in state.items() if name not in (*DEGREES, "B", "order")}
    return Setting.of(**given, n_acc=int(state["deg_TP"] * state["deg_DP"])).with_(**more)


def powers(pairs: list[dict]) -> list[dict]:
    """The layouts that the page offers too: tensor-parallel degrees that are powers of two."""
    return [pair for pair in pairs if pair["deg_TP"] in [2**i for i in range(LARGEST_TP.bit_length())]]


def holds(given: Setting) -> bool:
    """Whether any layout holds a request in each group."""
    every = together(given, powers(candidates(given)))
    return bool(np.any(system.B_cap_value(every) > 0))


def asked(node, generated, states):
    return node("explorer.js", generated, given=states)


def test_another_model_moves_to_a_layout_that_holds_it_where_one_does(node, generated):
    states = [{"model": "mixtral-8x7b", "deg_EP": "8", "ask": ["moved", "model", model]} for model in datasets.models()]
    moved = {each["answer"]["model"]: each["answer"] for each in asked(node, generated, states)}
    assert set(moved) == set(datasets.models())
    for state in moved.values():
        assert state["deg_TP"] * state["deg_DP"] == 32, "as many accelerators as before"
        here = setting(state, B=state["B"])
        pair = {name: state[name] for name in ("deg_TP", "deg_EP") if name in candidates(here)[0]}
        assert pair in candidates(here), "a layout that can be built"
        assert bool(system.B_cap_value(here.with_(**pair)) > 0) == holds(here), state["model"]
    assert moved["deepseek-v3"]["deg_EP"] == 32
    assert moved["gpt3-175b"]["deg_TP"] == 2, "the closest tensor-parallel degree that holds it"


def test_a_layout_that_holds_stays_where_others_would_hold_more(node, generated):
    (found,) = asked(node, generated, [{"deg_EP": "16", "ask": ["moved", "accelerator", "b200-sxm"]}])
    assert [found["answer"][name] for name in DEGREES] == [1, 32, 16]


def test_a_layout_that_holds_nothing_is_told_from_a_system_that_holds_nothing(node, generated):
    states = [{"model": "gpt3-175b", "L": "4096", "deg_TP": "1", "deg_DP": "8", "ask": ["remedy"]}]
    (found,) = asked(node, generated, states)
    assert found["answer"]["layout"]["deg_TP"] == 2
    assert system.B_cap_value(setting(found["state"], deg_TP=1)) == 0


def test_the_fewest_more_accelerators_and_the_longest_context_are_named(node, generated):
    asking = [TIGHT | {"deg_DP": groups, "ask": ["remedy"]} for groups in ("1", "2", "4")]
    answers = [each["answer"] for each in asked(node, generated, asking)]
    for more in (each["more"] for each in answers[:2]):
        count = more["deg_TP"] * more["deg_DP"]
        assert holds(setting(more))
        assert not holds(setting(more, n_acc=count // 2))
    shorter = answers[2]["shorter"]
    assert holds(setting(shorter))
    assert not holds(setting(shorter, L=round(shorter["L"] * 2**0.25)))


def test_the_fastest_layout_is_named_where_none_meets_the_slo(node, generated):
    (found,) = asked(node, generated, [{"deg_DP": "8", "model": "llama-3.1-405b", "slo": "0.001", "ask": ["remedy"]}])
    slower, given = found["answer"]["slower"], setting(found["state"])
    pairs = [each for each in powers(candidates(given)) if system.B_cap_value(given.with_(**each)) > 0]
    times = [system.tpot(given.with_(**each, B=1)) for each in pairs]
    least = min(value(form, given.with_(**each, B=1).point) for form, each in zip(times, pairs, strict=True))
    assert slower["least"] == pytest.approx(float(least), rel=1e-12)


def test_the_plan_is_that_of_the_command(node, generated):
    draw, models = random.Random(7), ["deepseek-v3", "gpt-oss-120b", "qwen3-32b", "kimi-k2", "llama-4-maverick"]
    states = [
        {
            "model": model,
            "accelerator": draw.choice(["b200-sxm", "h200-sxm5"]),
            "L": draw.choice([4096, 32768]),
            "deg_DP": 2 ** draw.randint(3, 6),
            "width_experts": draw.choice([1, 0.5]),
            "slo": draw.choice([0.02, 0.1]),
            "ask": ["plan"],
        }
        for model in models
    ]
    for found in asked(node, generated, states):
        best = next(each for each in plans(setting(found["state"])) if powers([each.chosen]))
        plan = found["answer"]
        assert {name: plan[name] for name in best.degrees} == best.degrees, found["state"]
        assert plan["B"] == best.batch


def test_what_would_change_the_time_is_what_the_closed_forms_give(node, generated):
    states = [
        {"model": model, "L": "32768", "deg_DP": "16"} for model in ("deepseek-v3", "gpt-oss-120b", "llama-3.1-8b")
    ]
    for found in asked(node, generated, states):
        effects, given = found["results"]["effects"], setting(found["state"])
        given = given.with_(**{name: found["state"][name] for name in ("deg_TP", "deg_EP", "B")})
        now, twice = terms(given, given.point), terms(given, given.point | {B: 2 * given["B"]})
        assert effects["largest"] == max(now, key=now.get)
        assert effects["batch"] == pytest.approx(2 * sum(now.values()) / sum(twice.values()), rel=1e-12)
        for each in effects["saved"]:
            then = terms(given, faster(given.point, RATES[each["rate"]]))
            assert each["token"] == pytest.approx(1 - sum(then.values()) / sum(now.values()), abs=1e-12)
            assert each["term"] == pytest.approx(1 - then[effects["largest"]] / now[effects["largest"]], abs=1e-12)


def test_the_map_has_the_largest_term_of_every_batch_and_context(node, generated):
    (found,) = asked(node, generated, [{"model": "deepseek-v3", "deg_DP": "16", "ask": ["map"]}])
    for cell in (each for row in found["answer"][::4] for each in row[::3]):
        here = setting(found["state"], B=cell["B"], L=cell["L"], deg_TP=1, deg_EP=found["state"]["deg_EP"])
        now = terms(here, here.point)
        assert cell["largest"] == max(now, key=now.get)
        assert cell["share"] == pytest.approx(now[cell["largest"]] / sum(now.values()), rel=1e-12)
        assert cell["held"] == (cell["B"] <= system.B_cap_value(here))


def terms(given: Setting, point: dict) -> dict[str, float]:
    """Terms of TPOT [s] at a point."""
    return {name: float(value(form, point)) for name, form in quantity("tpot_terms").expression(given).items()}


def faster(point: dict, rate) -> dict:
    """The point with a rate doubled, for routed experts too, and the ridge point that follows."""
    names = {BW_mem: ("BW_mem", "BW_exp"), P_acc: ("P_acc", "P_exp"), BW_Int: ("BW_Int",)}[rate]
    found = {symbol: 2 * each if symbol.name in names else each for symbol, each in point.items()}
    ridge = found[P_acc] / found[BW_mem]
    return {symbol: ridge if symbol.name == "RP_acc" else each for symbol, each in found.items()}
