"""Command line of the study: `python -m analysis --help`. What a command needs is imported late, when it is called."""

import gc
import json
import sys
from pathlib import Path
from shutil import get_terminal_size

import click

from analysis.cli import (
    commands_design,
    commands_evaluate,
    commands_measured,
    commands_plan,
    commands_propositions,
    commands_reader,
    commands_report,
    commands_thesis,
)
from analysis.cli.commands_evaluate import plain, shown
from analysis.files import exits
from analysis.measure import command as measure_command

ROWS = {  # file -> columns shown
    "models": ("id", "name", "year", "mechanisms", "n_dec", "d_emb", "n_hd", "n_e", "n_k", "known"),
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
MOST_NEW = 10**5  # objects between two collections: importing sympy makes many, of which none is garbage
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


def _table(rows: list[dict], as_json: bool) -> None:
    """Print rows for people, or as a JSON list."""
    from tabulate import tabulate

    if as_json:
        click.echo(json.dumps(plain(rows), allow_nan=False))
    else:
        click.echo(tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True))


def _cells(row, columns: tuple[str, ...]) -> dict[str, str]:
    return {name: "" if getattr(row, name) is None else shown(getattr(row, name)) for name in columns}


def _listing(file: str) -> None:
    @main.command(name=file, help=f"List the rows of data/{file}{'' if file == 'models' else '.csv'}.")
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
@click.option(
    "--ledger",
    "whose",
    type=click.Choice(("paper", "published")),
    default="paper",
    help="Claims of the paper, or numbers that others published about later models.",
)
def claims(as_json: bool, whose: str) -> None:
    """List every claim of the paper, or of others, with the study's number and verdict."""
    from analysis.ledger.ledger import ledger, of_others

    found = ledger() if whose == "paper" else of_others()
    if as_json:
        _table([_claim(finding) for finding in found], as_json)
        return
    from analysis.render.ledger_tables import claim_lines

    click.echo("\n".join(claim_lines(found, min(get_terminal_size().columns, LONGEST))))


def _claim(finding) -> dict:
    own = ("unit", "deviation", "reading", "rules", "verdict", "reason")
    about = [each for each in ("weight", "model", "quantity", "source") if hasattr(finding.claim, each)]
    named = {"claim": finding.id} | {each: getattr(finding.claim, each) for each in about}
    named |= {"paper": finding.paper, "ours": finding.ours}
    return named | {name: getattr(finding, name) for name in own}


_FURTHER = (
    *(commands_evaluate, commands_reader, commands_plan, commands_design, commands_report, commands_thesis),
    *(commands_propositions, commands_measured, measure_command),
)
for _command in (each for module in _FURTHER for each in module.commands):
    main.add_command(_command)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; every refusal is one sentence on standard error and exit code 2."""
    gc.set_threshold(MOST_NEW)
    named = Path(sys.argv[0]).stem == SCRIPT
    return exits.run(main, SCRIPT if named else "python -m analysis", arguments)
