"""A new process answers a question about a known form from what is kept, without sympy, and as sympy does."""

import json
import shutil
import subprocess
import sys

import pytest

from analysis.ask import forms, kept_forms
from analysis.ask.numbers import compiled, exact, value
from analysis.ask.setting import Setting
from analysis.files import kept
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.systems.quantities import all_quantities, quantity, value_of

SYSTEM = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 32, "B": 64, "L": 4096, "slo": 0.05}
KNOWN = [  # questions of which the first may derive, and others of the same forms
    ("tpot", {}, {"B": 640, "L": 5000}),
    ("tpot", {}, {"model": "kimi-k2", "accelerator": "h200-sxm5"}),
    ("B_cap", {}, {"L": 9000, "accelerator": "mi325x", "link": "nvlink5-b200"}),
    ("B_SLO", {}, {"slo": 0.03, "n_acc": 64}),
    ("kv_bytes_per_token", {}, {"width_kv": 1}),
    ("tpot_terms", {"alpha": "link"}, {"B": 96}),
    ("ttft", {}, {"L": 5000}),
    ("core_attention_intensity", {}, {"L": 5000}),
]
ASKS = """
import json, sys
from pathlib import Path
from analysis.files import kept
kept.FOLDER = Path(sys.argv[1])
from analysis.cli.main import run
for question in json.loads(sys.argv[2]):
    assert run([*question, "--json"]) == 0
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} & {"sympy", "mpmath"})))
"""
SHAPES = [  # of full and grouped, windowed, latent, sparse, linear and recurrent blocks, dense and with experts
    *("deepseek-v3", "deepseek-v4-flash", "gpt-oss-20b", "gpt3-175b", "kimi-linear-48b-a3b", "llama-4-scout"),
    *("minimax-m1", "nemotron-3-super"),
]


def asked(folder, *questions):
    """What one new process answers to questions, one after the other, and what it has loaded of sympy by each."""
    texts = [
        [*(["plan"] if name == "plan" else ["evaluate", name]), *(f"{key}={each}" for key, each in given.items())]
        for name, given in questions
    ]
    done = subprocess.run(
        [sys.executable, "-c", ASKS, str(folder), json.dumps(texts)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return list(zip(told[::2], told[1::2], strict=True))


def by_sympy(name, setting):
    """The value of a quantity's form, evaluated as an expression at a point of symbols."""
    form, point = quantity(name).expression(setting), setting.point
    found = {part: value(each, point) for part, each in form.items()} if isinstance(form, dict) else value(form, point)
    return quantity(name).finish(found, setting)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What one process keeps that was asked the first question of each form."""
    place = tmp_path_factory.mktemp("kept")
    asked(place, *((name, SYSTEM | more) for name, more, _ in KNOWN))
    return place


def test_other_questions_of_known_forms_load_no_sympy(folder):
    others = [(name, SYSTEM | more | other) for name, more, other in KNOWN]
    for (name, given), (answer, loaded) in zip(others, asked(folder, *others), strict=True):
        assert loaded == [], name
        setting = Setting.of(**given)
        assert answer["value"] == pytest.approx(value_of(name, setting), rel=1e-12)
        if quantity(name).expression:
            assert answer["value"] == pytest.approx(by_sympy(name, setting), rel=1e-12)


def test_another_plan_of_known_forms_loads_no_sympy(tmp_path):
    system = {name: SYSTEM[name] for name in SYSTEM if name != "B"} | {"n_acc": 16}
    other = system | {"accelerator": "h200-sxm5", "link": "nvlink4-h100", "n_acc": 32, "L": 9000}
    ((_, first),) = asked(tmp_path, ("plan", system))
    ((answer, again),) = asked(tmp_path, ("plan", other))
    assert first
    assert again == []
    best = answer["best"]
    chosen = {name: best[name] for name in ("B", "deg_TP", "deg_EP")}
    assert best["tpot"] == pytest.approx(by_sympy("tpot", Setting.of(**other | chosen)), rel=1e-12)


def test_a_form_that_nobody_asked_for_is_derived(folder):
    ((answer, loaded),) = asked(folder, ("tpot", SYSTEM | {"grouping": "layered"}))
    assert loaded
    assert answer["value"] == pytest.approx(by_sympy("tpot", Setting.of(**SYSTEM, grouping="layered")), rel=1e-12)


def test_what_is_damaged_or_gone_is_made_again(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    ((whole, _),) = asked(tmp_path, ("tpot", SYSTEM))
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        (lambda: None, lambda path=path: path.write_bytes(b"\xff"), path.unlink)[number % 3]()
    ((again, _),) = asked(tmp_path, ("tpot", SYSTEM | {"B": 640}))
    assert again["value"] == pytest.approx(by_sympy("tpot", Setting.of(**SYSTEM | {"B": 640})), rel=1e-12)
    assert asked(tmp_path, ("tpot", SYSTEM)) == [(whole, [])]


def test_where_nothing_can_be_kept_the_answer_is_right(tmp_path):
    (tmp_path / "file").write_text("no folder")
    ((answer, loaded),) = asked(tmp_path / "file", ("tpot", SYSTEM))
    assert loaded
    assert answer["value"] == pytest.approx(by_sympy("tpot", Setting.of(**SYSTEM)), rel=1e-12)


# -- in one process: every quantity of every model -------------------------------------------------
@pytest.fixture
def as_new(folder, monkeypatch):
    """Compiled forms are looked up as a new process does."""
    monkeypatch.setattr(kept, "FOLDER", folder)
    kept_forms.forget()
    compiled.cache_clear()  # what is compiled in memory is not written into this folder
    yield
    kept_forms.forget()
    compiled.cache_clear()


@pytest.mark.parametrize("model", SHAPES)
def test_kept_forms_give_the_values_of_expressions(as_new, monkeypatch, model):
    setting, found = Setting.of(**SYSTEM | {"model": model, "n_acc": 8, "link": "nvlink5-b200"}), {}
    names = [each.name for each in all_quantities() if each.expression and not each.compute]
    for name in names:
        try:
            found[name] = value_of(name, setting), by_sympy(name, setting)
        except InputError:
            continue  # the model has no such part
    assert len(found) > 15
    kept_forms.forget()
    forms.forget()
    monkeypatch.setattr(forms.Led, "by", lambda *_: pytest.fail("derived again"))
    for name, (first, wanted) in found.items():
        assert value_of(name, setting) == first == pytest.approx(wanted, rel=1e-12), name


def test_polynomials_are_exact(as_new):
    for model in ("deepseek-v3", "llama-3.1-8b", "gpt3-175b"):
        for name in ("parameters", "kv_bytes_per_token", "kv_cache_bytes"):
            setting = Setting.of(model=model, L=10**15 + 1)
            assert value_of(name, setting) == exact(quantity(name).expression(setting), setting.point)
