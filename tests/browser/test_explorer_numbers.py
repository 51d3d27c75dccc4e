"""The explorer's JavaScript and Python's `evaluate` give the same numbers, over a seeded random sample."""

import random
from itertools import cycle, islice

import pytest

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.systems.layers import layers, numbers
from analysis.systems.quantities import evaluate

SAMPLE = 200
TOLERANCE = 1e-12


def a_state(draw: random.Random, model: str) -> dict:
    """A state as a reader's address might hold it; what does not fit a model is put right by the page itself."""
    deg_TP, deg_DP = draw.choice([1, 2, 4, 8]), 2 ** draw.randint(0, 8)
    return {
        "model": model,
        "accelerator": draw.choice(list(datasets.accelerators())),
        "link": draw.choice(list(datasets.interconnects())),
        "phase": draw.choice(["decode", "decode", "prefill"]),
        "order": draw.choice(["auto", "as_printed", "reordered"]),
        "peak": draw.choice(["bf16", "fp8", "fp4"]),
        **{f"width{part}": draw.choice([2, 1, 0.5]) for part in ("", "_weights", "_experts", "_kv")},
        "B": round(2 ** draw.uniform(0, 20)),
        "L": round(2 ** draw.uniform(8, 20)),
        "deg_TP": deg_TP,
        "deg_DP": deg_DP,
        "deg_EP": draw.choice([1, 2, 4, 8, 16, 32, 64]),
        "Gamma_imb": draw.choice([1, draw.uniform(1, 8)]),
        "slo": draw.uniform(0.001, 2),
    }


@pytest.fixture(scope="module")
def pairs(node, generated):
    draw = random.Random(20250721)
    found = node(
        "explorer.js", generated, given=[a_state(draw, model) for model in islice(cycle(datasets.models()), SAMPLE)]
    )
    return [(each, setting(each["state"], each["order"])) for each in found]


def setting(state: dict, order: str) -> Setting:
    return Setting.of(**{**state, "order": order, "n_acc": state["deg_TP"] * state["deg_DP"]})


def same(found, wanted):
    return found == pytest.approx(wanted, rel=TOLERANCE, abs=0)


def test_terms_of_tpot(pairs):
    for found, given in pairs:
        wanted = evaluate("tpot_terms", given).value
        assert set(wanted) == set(found["results"]["terms"])
        for name, value in wanted.items():
            assert same(found["results"]["terms"][name], value), (name, found["state"])
        assert same(found["results"]["tpot"], evaluate("tpot", given).value)
        assert same(found["results"]["throughput"], evaluate("throughput", given).value)


@pytest.mark.parametrize("name", ["B_cap", "B_SLO", "B_RP"])
def test_batch_limits(pairs, name):
    for found, given in pairs:
        assert same(found["results"][name], evaluate(name, given).value), found["state"]


def test_layers_and_ridge(pairs):
    for found, given in pairs:
        assert same(found["results"]["ridge"], evaluate("ridge_point", given).value)
        for name, layer in layers(given).items():
            wanted = numbers(layer, given.point) if layer.kernels and layer.bytes != 0 else None
            flops, moved, time = found["results"]["layers"][name]
            if wanted:
                assert same([flops, moved, time], [float(wanted[key]) for key in ("flops", "bytes", "time")])
            else:
                assert (flops, moved, time) == (0, 0, 0)


def test_the_sample_reaches_every_model_and_most_accelerators(pairs):
    assert {each["state"]["model"] for each, _ in pairs} == set(datasets.models())
    assert {each["order"] for each, _ in pairs} == {"as_printed", "reordered"}
    assert len({each["state"]["accelerator"] for each, _ in pairs}) > 15


def test_an_update_fits_a_frame(pairs):
    times = sorted(each["ms"] for each, _ in pairs)
    assert times[len(times) // 2] < 4, "the numbers should leave most of a frame of 16 ms to drawing"


@pytest.mark.parametrize(
    "wanted",
    [
        {"model": "<b>"},
        {"B": "0"},
        {"B": "1e99"},
        {"deg_TP": "3"},
        {"deg_EP": "7"},
        {"phase": "both"},
        {"x": "1"},
        {"width": ""},
        {"L": ""},
        {"B": "4.5"},
        {"__proto__x": "1"},
    ],
)
def test_an_address_that_asks_for_nonsense_is_put_right_and_named(node, generated, wanted):
    (found,) = node("explorer.js", generated, given=[wanted])
    assert found["changed"] == list(wanted)
    assert found["results"]["tpot"] > 0
