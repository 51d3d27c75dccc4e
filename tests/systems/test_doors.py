"""One number, whichever door: tables and single answers agree over every parameter, in any order.

All of it happens in one process, so that whatever an answer keeps for the next one must be kept under all that it
depends on. The second road forgets every form before each answer.
"""

import csv
import json
import random
from itertools import product

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from analysis import table
from analysis.ask import forms
from analysis.ask.parameters import CHOICE, PARAMETERS
from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.systems import grids, system
from analysis.systems.quantities import all_quantities, evaluate

SYSTEM = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 32, "link": "nvlink5-b200", "B": 512, "L": 4096}
VALUES = {each.name: each.allowed for each in PARAMETERS.values() if each.kind == CHOICE} | {
    "model": ("deepseek-v3", "llama-4-maverick-chunked", "llama-3.1-8b"),
    "accelerator": ("b200-sxm", "h200-sxm5", "tpu-v5p"),
    "link": ("nvlink5-b200", "ib-xdr"),
    "link_between": ("ib-xdr",),
    "group": (8, 16, 32),
    "accelerator_experts": ("pim-paper",),
    "scenario": ("r1-32", "gpt3-32"),
    "B": (1, 64, 512),
    "L": (256, 100_000),
    "l": (1, 2, 4),
    "OSL": (128, 256),
    "acceptance": (0, 0.4, 0.9),
    "causal": (1, 0.5),
    "S_passes": (1, 2),
    "width": (2, 1),
    "width_weights": (2, 0.5),
    "width_kv": (2, 1),
    "width_activations": (2, 1),
    "n_acc": (16, 32),
    "deg_TP": (1, 2, 8),
    "deg_DP": (4, 32),
    "deg_EP": (1, 8, 32),
    "deg_ETP": (1, 2),
    "memory_share": (1, 0.9),
    "width_experts": (2, 0.5),
    "blocks": (40, 61),
    "Gamma_imb": (1, 1.7),
    "BW_Int": (50e9, 900e9),
    "alpha": (0, 2e-6, "link"),
    "calibration": ("published",),
    "slo": (0.02, 0.05),
    "s": (0, 0.6),
    "copies": (32, 64),
    "seed": (0, 3),
    "price_hour": (1, 3),
}
QUANTITIES = (
    *("tpot", "throughput", "B_cap", "B_SLO", "B_RP", "tokens_per_step", "all_to_all_time", "load_imbalance"),
    "cost_per_million_tokens",
    *("kv_bytes_per_token", "kv_cache_bytes", "core_attention_flops", "core_attention_intensity", "expert_intensity"),
)
few = settings(max_examples=8, phases=(Phase.explicit, Phase.generate))


def orders(names):
    """Each name with its values in some order."""
    return st.fixed_dictionaries({name: st.permutations(VALUES[name]) for name in names})


axes = st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=2, unique=True).flatmap(orders)
fixed = st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(0, 2), max_size=2).map(
    lambda chosen: {name: VALUES[name][place % len(VALUES[name])] for name, place in chosen.items()}
)


def together(chosen, over):
    """Parameters of one system: what belongs together stands together, and nothing twice."""
    given = SYSTEM | chosen
    for one, other in (("group", "link_between"), ("link_between", "group")):
        if one in {**given, **over} and other not in {**given, **over}:
            given[other] = VALUES[other][0]
    if "scenario" in {**given, **over}:
        given = {name: each for name, each in given.items() if name in chosen}
    return {name: each for name, each in given.items() if name not in over}


def alone(name, parameters):
    """The answer of `evaluate` as a process that computed nothing before would give it; None for a refusal."""
    forms.forget()
    try:
        return evaluate(name, **parameters).value
    except InputError:
        return None


def rows(names, over, parameters):
    try:
        return table(names, over, **parameters).to_pylist()
    except InputError:
        return []


def test_every_parameter_is_drawn():
    assert set(VALUES) == set(PARAMETERS)


@few
@given(st.lists(st.sampled_from(QUANTITIES), min_size=1, max_size=2, unique=True), axes, fixed, st.randoms())
@example(["throughput"], {"l": [1, 2, 4]}, {"acceptance": 0.4}, random.Random(0))
@example(["tpot"], {"acceptance": [0, 0.9, 0.4]}, {"l": 2}, random.Random(1))
@example(["B_SLO", "load_imbalance"], {"B": [64, 1, 512], "s": [0.6, 0]}, {"slo": 0.05}, random.Random(2))
def test_a_table_holds_what_single_answers_say(names, over, chosen, shuffled):
    parameters = together(chosen, over)
    found = {tuple(row[name] for name in over): row for row in rows(names, over, parameters)}
    points = list(product(*over.values()))
    shuffled.shuffle(points)
    for point in points:
        given_here = parameters | dict(zip(over, point, strict=True))
        wanted = {name: alone(name, given_here) for name in names}
        row = found.get(tuple(map(str, point)) if point not in found else point)
        if row is None:
            assert None in wanted.values(), given_here
            continue
        for name, number in wanted.items():
            assert row[name] == pytest.approx(number, rel=1e-12), (name, given_here)
            assert evaluate(name, **given_here).value == pytest.approx(number, rel=1e-12)


def any_setting(draw):
    """A system with some parameters replaced at random; None where there is none such."""
    chosen = {name: draw.choice(VALUES[name]) for name in draw.sample(sorted(VALUES), draw.randint(0, 5))}
    try:
        found = Setting.of(**together(chosen, {}))
        return found if found.point else None  # some parameters agree or not only where the point is asked for
    except InputError:
        return None


def form_or_refusal(derive, expression, setting):
    try:
        return derive(expression, setting)
    except InputError as refusal:
        return str(refusal)


@pytest.mark.parametrize("name", ["load_imbalance", "tpot", "tokens_per_step"])
def test_tables_refuse_a_format_that_a_row_does_not_state_as_single_answers_do(name):
    asked = SYSTEM | {"model": "deepseek-v2", "format": "served", "width_kv": 1, "s": 0.5}
    for ask in (lambda: evaluate(name, **asked), lambda: table(name, over={"l": [1]}, **asked)):
        with pytest.raises(InputError, match=r"states no width of its published files; leave format out"):
            ask()


def test_a_form_that_was_kept_is_the_form_derived_anew():
    """Over every parameter, many systems one after another, nothing forgotten between them."""
    draw = random.Random(20250721)
    expressions = [each.expression for each in all_quantities() if each.expression]
    drawn = [setting for setting in (any_setting(draw) for _ in range(50)) if setting]
    kept = [[form_or_refusal(forms.derived, each, setting) for each in expressions] for setting in drawn]
    for setting, found in zip(drawn, kept, strict=True):
        anew = [form_or_refusal(lambda derive, given: derive(given), each, setting) for each in expressions]
        assert found == anew, setting.given


def test_calibrated_forms_follow_the_architecture_of_a_chip_and_not_its_row():
    """Chips of one architecture share a form; Blackwell Ultra's exponentials, and chips of none, have forms apart."""
    chips = ("b200-sxm", "gb200-nvl72", "gb300-nvl72", "h100-sxm5", "h20-sxm", "mi325x")
    given = SYSTEM | {"calibration": "published", "link": "nvlink5-b200"}
    settings = [Setting.of(**given | {"accelerator": each}) for each in chips]
    kept = [forms.derived(system.tpot, each) for each in settings]
    assert kept == [system.tpot(each) for each in settings]
    assert [kept.index(each) for each in kept] == [0, 0, 2, 3, 3, 5]
    assert kept[0] is kept[1]
    assert kept[3] is kept[4]


def test_grids_of_notebooks_hold_what_single_answers_say():
    """The same under conventions that notebooks take: one setting over every pair of batches and contexts."""
    batches, contexts, draw, compared = [1, 64, 512], [256, 100_000], random.Random(5), 0
    while compared < 4:
        setting = any_setting(draw)
        try:
            found = grids.grid(setting, batches, contexts) if setting else None
        except InputError:
            continue
        for row, column in product(range(2), range(3)) if found else ():
            here = setting.with_(B=batches[column], L=contexts[row])
            forms.forget()
            assert found.tpot[row, column] == pytest.approx(evaluate("tpot", here).value, rel=1e-12), here.given
            rate = evaluate("throughput_per_accelerator", here).value
            assert found.per_accelerator[row, column] == pytest.approx(rate, rel=1e-12), here.given
            held = batches[column] <= evaluate("B_cap", here).value
            assert (found.reason[row, column] == grids.CAPACITY) == (not held), here.given
        compared += bool(found)


# -- files that change under their name ------------------------------------------------------------
def calibrated_in(path, floors):
    """The published calibration with its floors multiplied."""
    with (ROOT / "data" / "calibrations.csv").open(newline="", encoding="utf-8") as file:
        fitted = list(csv.DictReader(file))
    for row in fitted:
        row |= {name: f"{floors * float(row[name]):.6e}" for name in ("floor", "floor_low", "floor_high")}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(fitted[0]))
        writer.writeheader()
        writer.writerows(fitted)


def test_calibrations_are_told_apart_by_what_they_hold(tmp_path):
    """A file that changes is seen however soon it does, and floors ten times as high differ from the published ones."""
    mine = tmp_path / "mine.csv"
    for floors in (3, 1, 3, 5):
        calibrated_in(mine, floors)
        found = rows(["tpot"], {"calibration": ["published", str(mine)]}, SYSTEM)
        wanted = [alone("tpot", SYSTEM | {"calibration": each}) for each in ("published", str(mine))]
        assert [row["tpot"] for row in found] == pytest.approx(wanted, rel=1e-12)
        assert (found[1]["tpot"] == pytest.approx(found[0]["tpot"])) == (floors == 1)


KNOWN = {"name": "Mine", "source": "none", "locator": "none", "known": "assumed"}
WIRE = {"id": "wire", "kind": "scale-up", "BW_Int": 100, **KNOWN}
CHIP = {"id": "chip", "vendor": "me", "year": 2026, "P_bf16": 1000, "BW_mem": 2000, "M_cap": 80, "M_cap_unit": "GB"}
CHIP |= {"link": "./wire.json", **KNOWN}


def test_rows_are_told_apart_by_what_they_hold(tmp_path):
    """Of the same name, size and time; and a link that an accelerator names is read anew too."""
    device, link = tmp_path / "mine.json", tmp_path / "wire.json"
    system = {"model": "deepseek-v3", "accelerator": str(device), "n_acc": 32}
    for bandwidth, speed in ((2000, 100), (4000, 100), (2000, 900)):
        device.write_text(json.dumps(CHIP | {"BW_mem": bandwidth}))
        link.write_text(json.dumps(WIRE | {"BW_Int": speed}))
        assert evaluate("ridge_point", accelerator=str(device)).value == 1e12 * 1000 / (1e9 * bandwidth)
        sent = 8 * 512 * 7168 * 2 / 32 / (1e9 * speed)
        assert evaluate("all_to_all_time", **system, B=512).value == pytest.approx(sent, rel=1e-12)
        assert rows(["all_to_all_time"], {"B": [512]}, system)[0]["all_to_all_time"] == pytest.approx(sent, rel=1e-12)


def test_a_relative_path_is_read_where_it_was_typed(tmp_path, monkeypatch):
    """Two folders with equal rows that name a neighbour each: the neighbours differ."""
    for folder, speed in (("a", 100), ("b", 200)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "wire.json").write_text(json.dumps(WIRE | {"BW_Int": speed}))
        (tmp_path / folder / "chip.json").write_text(json.dumps(CHIP))
        monkeypatch.chdir(tmp_path / folder)
        assert Setting.of(accelerator="./chip.json").link.BW_Int == speed
