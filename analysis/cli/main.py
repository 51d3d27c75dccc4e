"""Command line of the study: `python -m analysis --help`."""

import json
import sys
from pathlib import Path
from shutil import get_terminal_size

import click

from analysis.cli import (
    commands_measured,
    commands_plan,
    commands_propositions,
    commands_reader,
    commands_report,
    commands_thesis,
)
from analysis.files import exits
from analysis.measure import command as measure_command

ROWS = {  # file -> columns shown
    "models": ("id", "name", "year", "attention", "n_dec", "d_emb", "n_hd", "n_e", "n_k", "known"),
    "accelerators": [
        "id",
        "name",
        "year",
        "P_bf16",
        "P_fp8",
        "BW_mem",
        "M_cap",
        "M_cap_unit",
        "M_driver",
        "link",
        "known",
    ],
    "interconnects": ("id", "name", "kind", "BW_Int", "domain", "latency", "known"),
    "scenarios": ("id", "name", "model", "accelerator", "link", "n_acc", "deg_TP", "deg_DP", "deg_EP"),
}
SCRIPT = "study"  # the console script, see pyproject.toml
LONGEST = 120  # characters of a line of text, on a wider terminal too
EPILOG = """Examples:

\b
  python -m analysis evaluate kv_bytes_per_token model=deepseek-v3
  python -m analysis evaluate core_attention_intensity model=deepseek-v3 L=8192 order=reordered
  python -m analysis evaluate attention_block_time model=deepseek-v3 accelerator=b200-sxm B=64,128,256 L=4096 --json

`.venv/bin/study` is the same command; `_STUDY_COMPLETE=bash_source study` prints its completion for bash (zsh_source
and fish_source for others).
"""


def _version(context: click.Context, option: click.Option, wanted: bool) -> None:
    if not wanted:
        return
    import tomllib

    from analysis.files.whole import ROOT

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    click.echo(f"{project['name']} {project['version']}")
    context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print it.")
def main() -> None:
    """Where is the bottleneck of LLM inference? Closed forms, numbers and claims of the study."""


@main.command()
@click.argument("quantity")
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with SI values.")
def evaluate(quantity: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """Compute QUANTITY from parameters given as NAME=VALUE; a list of numbers is written 64,128,256.

    `python -m analysis quantities` lists what can be computed, `parameters` what can be given.
    """
    from analysis.ask.reading import assigned
    from analysis.systems.quantities import evaluate as compute

    answer = compute(quantity, **assigned(assignments))
    if as_json:
        click.echo(json.dumps(_plain(answer.told), allow_nan=False))
        return
    click.echo("\n".join([*_found(answer), *_forms(answer.closed_form)]))
    click.echo(f"equation: {answer.equation}")
    click.echo("with " + " ".join(f"{name}={_shown(value)}" for name, value in answer.conventions.items()))
    for note in answer.notes:
        click.echo(f"note: {note}")


def _found(answer) -> list[str]:
    """The value, its parts if it has any, and what stands beside it, in lines; a table of points where lists were
    given.
    """
    parts = answer.value if isinstance(answer.value, dict) else {answer.quantity: answer.value}
    given = {name: each.tolist() for name, each in answer.conventions.items() if hasattr(each, "tolist")}
    given.pop("SLO", None)  # the symbol of slo
    if given:
        from tabulate import tabulate

        count = max(len(each) for each in given.values())
        columns = {**parts, **answer.beside}
        cells = {name: _repeated(each, count) for name, each in {**given, **columns}.items()}
        title = f"{answer.quantity} [{answer.unit}]"
        return [title, *tabulate(cells, headers="keys", tablefmt="plain", disable_numparse=True).splitlines()]
    total = [] if isinstance(answer.value, dict) else [f"{answer.quantity} = {_shown(answer.value)} {answer.unit}"]
    named = {**(parts if not total else {}), **answer.beside}
    head = total or [f"{answer.quantity}:"]
    return head + [f"  {name}: {_shown(value)} {answer.unit}" for name, value in named.items()]


def _repeated(values, count: int) -> list[str]:
    """A column of a table: a value for each point, where there is one for all too."""
    values = values.tolist() if hasattr(values, "tolist") else values
    return [_shown(each) for each in (values if isinstance(values, list) else [values] * count)]


def _forms(form) -> list[str]:
    """The closed form, or those of the parts, in lines."""
    if not isinstance(form, dict):
        return [f"closed form: {form}"]
    return ["closed form:", *(f"  {name}: {each}" for name, each in form.items())]


def _plain(value):
    """JSON-ready: arrays to lists, formulas to text, numbers that are not finite to null."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _shown(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return ",".join(_shown(each) for each in value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _table(rows: list[dict], as_json: bool) -> None:
    """Print rows for people, or as a JSON list."""
    from tabulate import tabulate

    if as_json:
        click.echo(json.dumps(_plain(rows), allow_nan=False))
    else:
        click.echo(tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True))


def _cells(row, columns: tuple[str, ...]) -> dict[str, str]:
    return {name: "" if getattr(row, name) is None else _shown(getattr(row, name)) for name in columns}


def _listing(file: str) -> None:
    @main.command(name=file, help=f"List the rows of data/{file}.csv.")
    @click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
    def command(as_json: bool) -> None:
        from analysis.data import datasets

        _table([_cells(row, ROWS[file]) for row in getattr(datasets, file)().values()], as_json)


for _file in ROWS:
    _listing(_file)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def quantities(as_json: bool) -> None:
    """List the quantities that `evaluate` computes, with unit and equation label."""
    from analysis.systems.quantities import all_quantities

    _table(
        [{"quantity": q.name, "unit": q.unit, "equation": q.label, "meaning": q.title} for q in all_quantities()],
        as_json,
    )


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def parameters(as_json: bool) -> None:
    """List the parameters and conventions that `evaluate` and the notebooks accept."""
    from analysis.ask.parameters import PARAMETERS

    rows = [
        {
            "parameter": p.name,
            "default": "" if p.default is None else p.default,
            "values": " ".join(map(str, p.allowed)) or p.kind,
            "meaning": p.meaning,
        }
        for p in PARAMETERS.values()
    ]
    _table(rows, as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def claims(as_json: bool) -> None:
    """List every claim of the paper with the study's number and verdict."""
    from analysis.ledger.ledger import ledger

    if as_json:
        _table([_claim(finding) for finding in ledger()], as_json)
        return
    from analysis.render.ledger_tables import claim_lines

    click.echo("\n".join(claim_lines(min(get_terminal_size().columns, LONGEST))))


def _claim(finding) -> dict:
    own = ("unit", "deviation", "reading", "rules", "verdict", "reason")
    named = {"claim": finding.id, "weight": finding.claim.weight, "paper": finding.paper, "ours": finding.ours}
    return named | {name: getattr(finding, name) for name in own}


_FURTHER = (
    *(commands_reader, commands_plan, commands_report, commands_thesis, commands_propositions, commands_measured),
    measure_command,
)
for _command in (each for module in _FURTHER for each in module.commands):
    main.add_command(_command)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; every refusal is one sentence on standard error and exit code 2."""
    named = Path(sys.argv[0]).stem == SCRIPT
    return exits.run(main, SCRIPT if named else "python -m analysis", arguments)
