"""The command `plan`; `analysis.cli.main` registers `commands`. What a call needs is imported late, by the call."""

import json

import click

UNITS = {"B": "requests", "tpot": "s", "tpot_terms": "s", "throughput_per_accelerator": "token/s", "utilisation": "1"}


@click.command()
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with SI values.")
def plan(assignments: tuple[str, ...], as_json: bool) -> None:
    """Find the degrees of parallelism and the batch that give most tokens per second and accelerator.

    Parameters are those of `evaluate`: model=, accelerator=, n_acc=, L= and, if wanted, link=, slo= (s), deg_TP= ...
    """
    from analysis.ask.reading import assigned
    from analysis.ask.setting import Setting
    from analysis.systems.plan import plans

    found = plans(Setting.of(**assigned(assignments)))
    click.echo(json.dumps(_report(found), allow_nan=False) if as_json else _text(found))


def _one(plan) -> dict:
    return {
        **plan.degrees,
        "B": plan.batch,
        "tpot": plan.tpot,
        "throughput_per_accelerator": plan.per_accelerator,
        "binding": plan.binding,
        "utilisation": plan.utilisation,
        "tpot_terms": plan.terms,
    }


def _report(found: list) -> dict:
    from analysis.systems.plan import why_second

    second = {"second": _one(found[1]), "why_second_loses": why_second(*found[:2])} if len(found) > 1 else {}
    return {
        "best": _one(found[0]),
        **second,
        "feasible": len(found),
        "units": UNITS,
        "conventions": _conventions(found),
        "notes": _notes(found),
    }


def _notes(found: list) -> list[str]:
    """What must be said of the best plan and its time per token."""
    from analysis.systems.notes import notes
    from analysis.systems.quantities import quantity

    best = found[0].setting.with_(B=found[0].batch)
    return list(notes(quantity("tpot_terms"), best))


def _conventions(found: list) -> dict:
    """What was given or assumed, without what the plan itself chose."""
    chosen, setting = {*found[0].degrees, "B", "deg_DP", "deg_EP", "SLO"}, found[0].setting
    echo = {name: value for name, value in setting.echo.items() if name not in chosen}
    echo |= {"link": setting.link.id} if setting.link else {}
    return {name: value.item() if hasattr(value, "item") else value for name, value in echo.items()}


def _text(found: list) -> str:
    from analysis.systems.plan import why_second

    lines = _lines("best", found[0])
    if len(found) > 1:
        lines += [*_lines("second", found[1])[:2], f"  beside the best: {why_second(*found[:2])}"]
    used = " ".join(f"{name}={value}" for name, value in _conventions(found).items())
    said = [f"note: {each}" for each in _notes(found)]
    return "\n".join([*lines, f"feasible arrangements compared: {len(found)}", f"with {used}", *said])


def _lines(name: str, plan) -> list[str]:
    degrees = " ".join(f"{each}={value}" for each, value in plan.degrees.items())
    used = ", ".join(f"{each} {100 * share:.3g} %" for each, share in plan.utilisation.items())
    longest = max(plan.terms, key=plan.terms.get)
    return [
        f"{name}: {degrees} B={plan.batch}",
        f"  {plan.per_accelerator:.6g} token/s and accelerator, TPOT {1e3 * plan.tpot:.4g} ms",
        f"  batch limited by {plan.binding}; longest term {longest.replace('_', ' ')} "
        f"({1e3 * plan.terms[longest]:.3g} ms)",
        f"  in use: {used}",
    ]


commands = [plan]
