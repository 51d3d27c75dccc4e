"""The command line: every quantity answers, every refusal is one sentence on standard error and exit code 2."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from analysis.ask.parameters import PARAMETERS
from analysis.cli.main import ROWS, run
from analysis.systems.quantities import all_quantities
from tests.cli.bad_input import BAD, MORE, REFUSALS, assigned

ROOT = Path(__file__).parents[2]
QUANTITIES = [quantity.name for quantity in all_quantities()]


@pytest.fixture
def cli(capsys):
    """Run the command line; returns exit code, standard output and standard error."""

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def answer(cli):
    """The JSON answer to a quantity."""

    def ask(quantity, *texts, **more):
        code, out, err = cli("evaluate", quantity, *assigned(*texts, **more), "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return ask


# -- answers -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", QUANTITIES)
def test_json_of_every_quantity(answer, name):
    other = {
        "index_intensity": "deepseek-v3.2",
        "state_intensity": "kimi-linear-48b-a3b",
    }  # which have what it speaks of
    found = answer(name, **({"model": other[name]} if name in other else {}))
    assert found["quantity"] == name
    assert found["unit"]
    assert found["closed_form"]
    assert found["equation"].startswith("eq-")
    numbers = found["value"].values() if isinstance(found["value"], dict) else [found["value"]]
    assert all(isinstance(number, int | float) and number >= 0 for number in numbers)


def test_conventions_are_echoed(answer):
    echo = answer("tpot", "width_kv=1")["conventions"]
    expected = {
        "model": "deepseek-v3",
        "order": "reordered",
        "phase": "decode",
        "l": 1,
        "deg_TP": 1,
        "deg_DP": 32,
        "deg_EP": 32,
        "width_weights": 2,
        "width_kv": 1,
        "grouping": "fused",
        "overlap": "none",
    }
    assert {name: echo[name] for name in expected} == expected


def test_prefill_changes_the_defaults(answer):
    echo = answer("core_attention_flops", "phase=prefill")["conventions"]
    assert (echo["order"], echo["l"]) == ("as_printed", 1024)


def test_text_names_unit_form_equation_and_conventions(cli):
    code, out, err = cli("evaluate", "kv_bytes_per_token", "model=deepseek-r1")
    assert (code, err) == (0, "")
    first, form, equation, conventions = out.splitlines()
    assert first == "kv_bytes_per_token = 70272 byte"
    assert form.startswith("closed form: ")
    assert equation == "equation: eq-kv-bytes-per-token"
    assert conventions.startswith("with ")
    assert "rope=in" in conventions


@pytest.mark.parametrize("name", ["tpot", "throughput", "B_cap", "core_attention_bytes", "attention_block_time"])
def test_lists_are_taken_pairwise(answer, name):
    together = answer(name, "B=64,128,256", "L=1024,2048,4096")["value"]
    pairs = [(64, 1024), (128, 2048), (256, 4096)]
    apart = [answer(name, f"B={batch}", f"L={length}")["value"] for batch, length in pairs]
    assert together == pytest.approx(apart, rel=1e-12)


def test_lists_of_terms(answer):
    terms = answer("tpot_terms", "B=64,128")["value"]
    assert len(terms["core_attention"]) == len(terms["dispatch"]) == 2


@pytest.mark.parametrize("text", ["alpha=0,1e-6", "slo=0.01,0.02", "l=1,2"])
def test_every_number_can_be_a_list(answer, text):
    assert len(answer("B_SLO", text)["value"]) == 2


@pytest.mark.parametrize("listing", [*(name for name in ROWS), "quantities", "parameters"])
def test_listings(cli, listing):
    code, out, err = cli(listing)
    assert (code, err) == (0, "")
    code, as_json, err = cli(listing, "--json")
    rows = json.loads(as_json)
    assert (code, err) == (0, "")
    assert len(rows) == len(out.splitlines()) - 1 > 3


@pytest.mark.parametrize("width", [60, 80, 300])
def test_claims_fit_a_terminal(cli, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = cli("claims")
    rows = json.loads(cli("claims", "--json")[1])
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= min(width, 120)
    assert re.findall(r"^[CS]\d+", out, re.MULTILINE) == [row["claim"] for row in rows]
    assert not re.search(r"\d\.\d{7}", out)
    assert "C006  error in the paper; printed 320.42; ours 311.76\n" in out
    assert f"{len(rows)} claims: " in out


def test_claims_as_json_hold_every_digit(cli):
    rows = {row["claim"]: row for row in json.loads(cli("claims", "--json")[1])}
    assert rows["C006"]["ours"] == pytest.approx(2307 / 7.4, rel=1e-15)
    assert rows["C006"]["weight"] == "arithmetic"
    assert rows["C073"]["rules"] == ["the two are a tie"]


def test_listings_name_everything(cli):
    named = {row["quantity"] for row in json.loads(cli("quantities", "--json")[1])}
    assert named == set(QUANTITIES)
    assert {row["parameter"] for row in json.loads(cli("parameters", "--json")[1])} == set(PARAMETERS)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["evaluate", "--help"], ["models", "--help"]])
def test_help(cli, arguments):
    code, out, err = cli(*arguments)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: python -m analysis")


# -- refusals ------------------------------------------------------------------------------------
def refused(result, says=""):
    """Exit code 2, nothing on standard output, one sentence on standard error."""
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    assert len(err) < 2000
    assert "Traceback" not in err
    assert says in err


def test_bad_arguments_are_refused(cli):
    for text, says in BAD.items():
        refused(cli("evaluate", "tpot", *assigned(text, *MORE.get(text, []))), says)


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_exist_is_refused(cli, case):
    quantity, arguments, says = REFUSALS[case]
    refused(cli("evaluate", quantity, *arguments), says)


@pytest.mark.parametrize("arguments", ["evaluate", "evaluate tpot --yaml", "evalute tpot", "models x", "--verbose"])
def test_bad_command_is_refused(cli, arguments):
    refused(cli(*arguments.split()), "--help")


def test_no_command_shows_how(cli):
    code, out, err = cli()
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == "Usage: python -m analysis [OPTIONS] COMMAND [ARGS]..."
    assert "error:" not in err


def test_the_version_is_that_of_the_project(cli):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cli("--version") == (0, f"{project['name']} {project['version']}\n", "")


def test_the_console_script_is_the_same_command_under_its_own_name(tmp_path):
    """What the Makefile writes calls what pyproject.toml names."""
    body = re.search(r"^define SCRIPT\n#![^\n]*\n(.*?)^endef", (ROOT / "Makefile").read_text(), re.M | re.S)[1]
    module, function = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["study"].split(":")
    assert f"from {module} import {function}\n" in body
    (tmp_path / "study").write_text(body)

    def study(*arguments, **more):
        command = [sys.executable, str(tmp_path / "study"), *arguments]
        return subprocess.run(command, env=os.environ | more, cwd=ROOT, capture_output=True, text=True)

    assert study("nobody").stderr == "error: No such command 'nobody'. (`study --help` shows how.)\n"
    words = {"_STUDY_COMPLETE": "bash_complete", "COMP_WORDS": "study eval", "COMP_CWORD": "1"}
    assert study(**words).stdout == "plain,evaluate\n"


def test_everything_that_a_plan_needs_is_told_at_once(cli):
    example = "for example model=deepseek-v3 accelerator=b200-sxm n_acc=32 L=8192."
    refused(cli("plan"), f"needed: model=, accelerator=, n_acc=, L=; give them, {example}")
    refused(cli("plan", "model=qwen3-8b", "n_acc=2"), "needed: accelerator=, L=; give them")


def test_points_of_lists_stand_beside_their_parameters(cli, answer):
    code, out, _ = cli("evaluate", "tpot", *assigned("B=4,96", "L=1024,2048"))
    title, header, *rows = [line.split() for line in out.splitlines()[:4]]
    assert (code, title, header) == (0, ["tpot", "[s]"], ["B", "L", "tpot"])
    for row, found in zip(rows, answer("tpot", "B=4,96", "L=1024,2048")["value"], strict=True):
        assert float(row[2]) == pytest.approx(found)
    assert [row[:2] for row in rows] == [["4", "1024"], ["96", "2048"]]


def test_parts_of_a_breakdown_have_a_line_each(cli, answer):
    _, out, _ = cli("evaluate", "tpot_terms", *assigned())
    lines = out.splitlines()
    forms = lines.index("closed form:")
    terms = answer("tpot_terms")
    for name, value in terms["value"].items():
        assert f"  {name}: {value:.10g} s" in lines[1:forms]
        assert f"  {name}: {terms['closed_form'][name]}" in lines[forms:]


# -- as a process --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["evaluate", "ridge_point", "accelerator=b200-paper", "--json"], 0),
        (["evaluate", "ridge_point", "accelerator=b200"], 2),
    ],
)
def test_process(arguments, code):
    done = subprocess.run([sys.executable, "-m", "analysis", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code
    if code:
        refused((code, done.stdout, done.stderr), "close to it are b200")
    else:
        assert json.loads(done.stdout)["value"] == 281.25
