"""The command `evaluate`; `analysis.cli.main` registers `commands`. What a call needs is imported late, by the call."""

import json
import sys

import click

from analysis.files.kept import STUDY, kept
from analysis.files.text import is_path


@click.command()
@click.argument("quantity")
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with SI values.")
def evaluate(quantity: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """Compute QUANTITY from parameters given as NAME=VALUE; a list of numbers is written 64,128,256.

    `python -m analysis quantities` lists what can be computed, `parameters` what can be given.
    """
    question = (quantity, assignments, as_json)
    if any(map(is_path, assignments)):  # a file may change under its name
        click.echo(_answered(*question))
    else:
        key = json.dumps([*question, sys.version])
        click.echo(kept(key, lambda: _answered(*question), *STUDY))


def _answered(quantity: str, assignments: tuple[str, ...], as_json: bool) -> str:
    """What is printed of an answer. Raises InputError."""
    from analysis.ask.reading import assigned
    from analysis.systems.quantities import evaluate as compute

    answer = compute(quantity, **assigned(assignments))
    told = answer.told
    if as_json:
        return json.dumps(plain(told), allow_nan=False)
    used = " ".join(f"{name}={shown(value)}" for name, value in answer.conventions.items())
    lines = [*_found(answer), *_forms(told["closed_form"]), f"equation: {answer.equation}", f"with {used}"]
    return "\n".join([*lines, *(f"note: {note}" for note in answer.notes)])


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
    total = [] if isinstance(answer.value, dict) else [f"{answer.quantity} = {shown(answer.value)} {answer.unit}"]
    named = {**(parts if not total else {}), **answer.beside}
    head = total or [f"{answer.quantity}:"]
    return head + [f"  {name}: {shown(value)} {answer.unit}" for name, value in named.items()]


def _repeated(values, count: int) -> list[str]:
    """A column of a table: a value for each point, where there is one for all too."""
    values = values.tolist() if hasattr(values, "tolist") else values
    return [shown(each) for each in (values if isinstance(values, list) else [values] * count)]


def _forms(form) -> list[str]:
    """The closed form, or those of the parts, in lines."""
    if not isinstance(form, dict):
        return [f"closed form: {form}"]
    return ["closed form:", *(f"  {name}: {each}" for name, each in form.items())]


def plain(value):
    """JSON-ready: arrays to lists, formulas to text, numbers that are not finite to null."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def shown(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(each)}" for name, each in value.items())
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return ",".join(shown(each) for each in value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


commands = [evaluate]
