"""The explorer's generated script, as far as it can be tested without a JavaScript engine."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Max, Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import BY_NAME, B, L
from analysis.files.whole import ROOT
from analysis.render import explorer
from analysis.render.explorer import function
from analysis.systems.quantities import evaluate

CHOSEN = {
    *("B", "L", "l", "n_acc", "deg_TP", "deg_DP", "deg_EP", "Gamma_imb", "Gamma_acc"),
    *("width_weights", "width_experts", "width_kv", "width_activations"),
}
WIDTHS = ("width_weights", "width_experts", "width_kv")


@pytest.fixture(scope="module")
def script():
    return explorer.script()


@pytest.fixture(scope="module")
def study(script):
    found = re.findall(r"^study\.(\w+) = (.*);$", script, flags=re.M)
    return {name: json.loads(text) for name, text in found if name != "functions"}


def functions(script):
    return dict(re.findall(r'^"([^"]+)": function \(point\) \{\n  const \{ ([^}]+) \}', script, flags=re.M))


def test_repeated_parts_are_computed_once_and_names_do_not_clash():
    x0 = Symbol("x0")
    text = function({"a": Max(B * L, x0) + 1, "b": [Max(B * L, x0) + 2]})
    assert text.count("Math.max") == 1
    assert "const { B, L, x0 } = point;" in text
    assert len(re.findall(r"const x0\b", text)) == 0


def test_every_row_of_the_data_is_there(study):
    assert set(study["models"]) == set(datasets.models())
    assert set(study["accelerators"]) == set(datasets.accelerators())
    assert set(study["links"]) == set(datasets.interconnects())


def test_functions_ask_only_for_symbols_that_a_state_gives(script, study):
    asked = functions(script)
    device = next(iter(study["accelerators"]["b200-paper"]["peaks"].values()))
    link = study["links"]["nvlink5-b200"]["point"]
    for name, model in study["models"].items():
        given = CHOSEN | set(model["point"]) | set(device) | set(link) | set(study["conventions"])
        for function_name in model["functions"].values():
            assert set(asked[function_name].split(", ")) <= given, name


def test_a_prompt_calls_a_state_as_a_prompt_does(study):
    models = study["models"]
    named = [title for name, title in models["minimax-m1"]["prompt"].items() if name.endswith("core")]
    assert named == ["prompt through the state, Lightning"]
    assert models["minimax-m1"]["titles"]["as_printed"]["lightning_core"] == "step of the state, Lightning"
    assert not any(models[each]["prompt"] for each in ("deepseek-v3", "deepseek-v4-flash", "gpt3-175b"))


def test_numbers_are_in_si_units(study):
    assert study["accelerators"]["b200-paper"]["peaks"]["bf16"]["P_acc"] == 2250e12
    assert study["links"]["nvlink5-b200"]["point"]["BW_Int"] == 900e9
    assert study["models"]["deepseek-v3"]["point"]["n_e"] == 256


def test_only_degrees_that_divide_the_heads_are_offered(study):
    assert study["models"]["llama-4-maverick"]["deg_TP"] == [1, 2, 4, 8]


def test_the_page_and_its_scripts_agree_on_names():
    page = (ROOT / "book" / "explorer.md").read_text()
    scripts = "".join(path.read_text() for path in sorted((ROOT / "book" / "_assets" / "explorer").glob("*.js")))
    ids = set(re.findall(r'id="explorer-([\w-]+)"', page))
    assert ids >= set(re.findall(r'part\("([\w-]+)"\)', scripts))
    assert set(re.findall(r'src="_static/explorer/(\w+\.js)"', page)) == {
        *("study.js", "system.js", "layouts.js", "design.js", "words.js", "drawing.js", "drawing_parts.js", "page.js")
    }
    assert explorer.GENERATED.endswith("explorer/study.js")


def test_the_script_is_small_and_names_no_unknown_symbol(script):
    assert len(script) < 400_000
    for symbols in functions(script).values():
        assert set(symbols.split(", ")) <= set(BY_NAME)


# -- the same numbers as `evaluate` -----------------------------------------------------------------
def page_point(study, state, batches):
    """Every symbol as the page fills it in (book/_assets/explorer/system.js), for several batches at once."""
    chosen = {name: state[name] for name in ("L", "deg_TP", "deg_DP", "deg_EP", "Gamma_imb")}
    chosen |= {"B": batches, "l": 1 if state["phase"] == "decode" else state["L"], "Gamma_acc": state["Gamma_imb"]}
    chosen |= {"n_acc": state["deg_TP"] * state["deg_DP"]}
    chosen |= {name: state[name] for name in WIDTHS} | {"width_activations": state["width"]}
    model, device = study["models"][state["model"]], study["accelerators"][state["accelerator"]]
    point = study["conventions"] | model["point"] | device["peaks"][state["peak"]]
    return point | study["links"][state["link"]]["point"] | chosen


STATES = st.fixed_dictionaries(
    {
        "model": st.sampled_from(
            [
                *("deepseek-v3", "llama-3.1-8b", "qwen3-30b-a3b", "deepseek-v3.2", "deepseek-v4-flash", "minimax-m3"),
                *("qwen3-next-80b-a3b", "kimi-linear-48b-a3b", "nemotron-3-super", "mimo-v2-flash"),
            ]
        ),
        "accelerator": st.sampled_from(["b200-sxm", "h200-sxm5"]),
        "link": st.sampled_from(["nvlink5-b200", "ib-xdr"]),
        "phase": st.sampled_from(["decode", "prefill"]),
        "peak": st.sampled_from(["bf16", "fp8"]),
        **{name: st.sampled_from([2, 1, 0.5]) for name in ("width", *WIDTHS)},
        "L": st.integers(256, 2**20),
        "deg_TP": st.sampled_from([1, 2, 4]),
        "deg_DP": st.sampled_from([1, 8, 32]),
        "Gamma_imb": st.sampled_from([1, 1.5, 4]),
    }
)


@settings(max_examples=30)
@given(STATES, st.lists(st.integers(1, 2**20), min_size=3, max_size=3), st.sampled_from([1, 8]))
def test_the_explorers_forms_give_what_evaluate_gives(study, state, batches, deg_EP):
    state = state | {"deg_EP": min(deg_EP, state["deg_DP"])}
    batches = np.array(batches, dtype=float)
    here = Setting.of(**state, n_acc=state["deg_TP"] * state["deg_DP"], B=batches)
    order = here.conventions.order
    shown = explorer.forms(Setting.of(model=state["model"], accelerator="b200-paper", order=order, width_experts=2))
    point = {symbol: page_point(study, state, batches).get(symbol.name, each) for symbol, each in here.point.items()}
    terms = {name: value(form, point) for name, form in shown["terms"].items()}
    wanted = evaluate("tpot_terms", here).value
    assert set(terms) == set(wanted)
    for name, seconds in wanted.items():
        np.testing.assert_allclose(terms[name] + 0 * batches, seconds + 0 * batches, rtol=1e-12)
    np.testing.assert_allclose(sum(terms.values()), evaluate("tpot", here).value, rtol=1e-12)
    whole = np.floor(value(shown["B_cap"], point) / state["deg_DP"]) * state["deg_DP"]  # as system.js rounds
    assert max(0, whole) == evaluate("B_cap", here).value
    assert value(shown["ridge"], point) == pytest.approx(evaluate("ridge_point", here).value, rel=1e-12)
    assert value(shown["B_RP"], point) == pytest.approx(evaluate("B_RP", here).value, rel=1e-12)
