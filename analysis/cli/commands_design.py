"""The command `design`; `analysis.cli.main` registers `commands`. What a call needs is imported late, by the call."""

import json

import click

UNITS = {
    "B": "requests",
    "P_acc": "FLOP/s",
    "BW_mem": "byte/s",
    "M_cap": "byte",
    "BW_Int": "byte/s",
    "BW_out": "byte/s",
}
RATIOS = {"arithmetic": "FLOP/byte", "capacity": "s", "interconnect": "1"}
"""Units of each resource over memory bandwidth."""


@click.command()
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with SI values.")
def design(assignments: tuple[str, ...], as_json: bool) -> None:
    """Find the machine that a model wants: rates and memory of which none waits longer than another.

    Needs model=, L= and slo= (s); takes n_acc=, deg_TP= ... as `evaluate`. B= or accelerator= (by its memory bandwidth)
    sets the size; peak= and width= one precision.
    """
    from analysis.ask.reading import assigned
    from analysis.ask.setting import Setting
    from analysis.systems.design import designs

    found, said = designs(Setting.of(**assigned(assignments)))
    click.echo(json.dumps(_report(found, said), allow_nan=False) if as_json else "\n".join(_text(found, said)))


def _one(each) -> dict:
    from analysis.systems.design import distances, worth

    return {
        "peak": each.setting["peak"],
        "machine": {symbol.name: float(number) for symbol, number in each.machine.items()},
        "ratios": _ratios(each.machine),
        "ratios_endless": _ratios(each.endless),
        "tpot": each.tpot,
        "busy": each.busy,
        "worth": {name: vars(found) for name, found in worth(each).items()},
        "accelerators": [
            {
                "id": found.row.id,
                "known": found.row.known,
                "B": found.batch if found.batch == found.batch else None,
                "has": found.has,
            }
            for found in distances(each)
        ],
    }


def _ratios(machine) -> dict[str, float]:
    """Each resource over memory bandwidth."""
    from analysis.derive.symbols import BW_mem
    from analysis.systems.balanced import RESOURCES

    return {name: float(machine[RESOURCES[name][0]] / machine[BW_mem]) for name in RATIOS}


def _report(found: list, said: list[str]) -> dict:
    units = UNITS | {"tpot": "s", "busy": "1", "worth": "1", "has": "1", "ratios": RATIOS}
    return {
        "designs": [_one(each) for each in found],
        "units": units,
        "conventions": _conventions(found),
        "notes": _notes(found, said),
    }


def _conventions(found: list) -> dict:
    """What was given or assumed, without what differs between the designs."""
    alike = {name: value for name, value in found[0].setting.echo.items() if name not in ("B", "SLO")}
    differ = {name for each in found for name, value in each.setting.echo.items() if alike.get(name) != value}
    return {
        name: value.item() if hasattr(value, "item") else value for name, value in alike.items() if name not in differ
    }


def _notes(found: list, said: list[str]) -> list[str]:
    return list(dict.fromkeys([*said, *(note for each in found for note in each.notes)]))


def _text(found: list, said: list[str]) -> list[str]:
    from tabulate import tabulate

    lines = []
    for each in map(_one, found):
        machine, ratios, endless = each["machine"], each["ratios"], each["ratios_endless"]
        shown = {name: "" if unit == "1" else f" {unit}" for name, unit in RATIOS.items()}
        per = [
            f"per memory bandwidth {ratios[name]:.4g}{unit}, at an endless batch {endless[name]:.3g}"
            for name, unit in shown.items()
        ]
        worth = [f"{name} {_per_cent(it['gained'])} / {_per_cent(it['lost'])} %" for name, it in each["worth"].items()]
        columns = [_cells(row) for row in each["accelerators"]]
        lines += [
            f"{each['peak']}: B={machine['B']:.6g} requests, TPOT {1e3 * each['tpot']:.4g} ms",
            f"  memory bandwidth {machine['BW_mem'] / 1e9:.5g} GB/s",
            f"  arithmetic {machine['P_acc'] / 1e12:.4g} TFLOP/s, {per[0]}",
            f"  memory {machine['M_cap'] / 1e9:.4g} GB, {per[1]}",
            f"  link {machine['BW_Int'] / 1e9:.4g} GB/s, {per[2]}",
            f"  each rate is in use {100 * each['busy']['arithmetic']:.3g} % of a step",
            f"  1 % more / less changes tokens per second by: {', '.join(worth)}",
            *(f"  {line}" for line in tabulate(columns, headers="keys", tablefmt="plain").splitlines()),
        ]
    used = " ".join(f"{name}={value}" for name, value in _conventions(found).items())
    return [*lines, f"with {used}", *(f"note: {each}" for each in _notes(found, said))]


def _per_cent(share: float) -> str:
    """Per cent to two digits; what is rounding alone is none."""
    return f"{round(100 * share, 9) + 0:.2g}"


def _cells(row: dict) -> dict:
    has = {f"{name} has/wants": "" if over is None else f"{over:.3g}" for name, over in row["has"].items()}
    return {"accelerator": row["id"], "B": "none" if row["B"] is None else f"{row['B']:.4g}", **has}


commands = [design]
