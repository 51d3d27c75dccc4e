"""Commands about measured hardware: import-measurements, validate, calibrate, deployments. `analysis.cli.main`
registers them. What a call needs is imported late, by the call.
"""

import json
import re
from pathlib import Path

import click

from analysis.files.errors import InputError


@click.command(name="import-measurements")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Parquet file to write.")
@click.option(
    "--keep-cache-resident/--drop-cache-resident",
    default=True,
    show_default=True,
    help="What becomes of memory-bound rows of at most 400 MB that are no faster than memory.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there and that this command did not write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_measurements(folder: Path, output: Path, keep_cache_resident: bool, force: bool, as_json: bool) -> None:
    """Import the public kernel database in DIR, laid out as SYSTEM/OPERATION/FRAMEWORK/VERSION/TABLE.parquet.

    Rows that cannot be used are counted by the rule that removes them; files that cannot be read cost one sentence for
    each reason.
    """
    from analysis.measured.database import import_folder
    from analysis.measured.validity import WHY

    report = import_folder(folder, output, keep_cache_resident, force)
    removed = [
        {"rule": rule, "rows": report.removed[rule], "why": why} for rule, why in WHY.items() if report.removed[rule]
    ]
    if as_json:
        click.echo(
            json.dumps(
                {
                    "files": report.files,
                    "rows_read": report.read,
                    "rows_written": report.written,
                    "removed": removed,
                    "left_out": report.sentences,
                    "ignored": dict(report.ignored),
                }
            )
        )
        return
    click.echo(f"{output}: {report.written} rows of {report.files} files; {report.read} rows read")
    click.echo(_table(removed))
    for sentence in report.sentences:
        click.echo(f"left out: {sentence}", err=True)
    if report.ignored:
        listed = ", ".join(f"{name} ({count} files)" for name, count in sorted(report.ignored.items()))
        click.echo(f"columns that nothing here needs were ignored: {listed}", err=True)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--calibration", help="Name in data/calibrations.csv, or a file that `calibrate` wrote.")
@click.option(
    "--leave-out",
    type=click.Choice(["device", "model"]),
    help="Fit anew without each device, or without each model's shapes, and judge what was left out.",
)
@click.option("--worst", default=5, show_default=True, type=click.IntRange(0, 100), help="Worst rows shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with SI values.")
def validate(file: Path | None, calibration: str | None, leave_out: str | None, worst: int, as_json: bool) -> None:
    """Compare predicted and measured times of FILE (.csv or .parquet); by default of the published figures in data/.

    Prints errors of |predicted/measured - 1| by operation, accelerator and regime: launch (predicted to be shorter
    than a launch floor) or work. Rows that the calibration was fitted to are counted and not judged. Without a
    calibration the prediction is the bare roofline, and its ratios (measured over predicted: 2 is half the
    roofline's speed) follow.
    """
    from analysis.measured.judging import report

    if leave_out:
        _left_out(leave_out, file, as_json)
        return
    found = report(_compared(file), calibration, worst)
    if as_json:
        click.echo(json.dumps(found, allow_nan=False))
        return
    click.echo(
        f"{found['rows']} rows; {found['faster than the data sheet']} beat the data sheet, "
        f"{found['bytes above 400 MB']} move enough bytes to judge bandwidth; "
        f"{found['rows that fitted']} were fitted and are not judged"
    )
    click.echo(_table([_error_line(group) for group in found["groups"]]))
    click.echo(_BASELINES_TOLD)
    for note in found["notes"]:
        click.echo(note)
    if calibration is None:
        _print_ratios(found)


def _left_out(by: str, file: Path | None, as_json: bool) -> None:
    """Errors on what fits left out, by default of the rows that the published calibration rests on."""
    from analysis.measured.fitting import sampled
    from analysis.measured.leaving_out import left_out

    found = left_out(by, sampled(_compared(file)) if file else None)
    if not found:
        raise InputError(f"{file}: without one {by} too few shapes of any operation are left; give more rows.")
    if as_json:
        click.echo(json.dumps({"left out": by, "groups": found}, allow_nan=False))
        return
    click.echo(_table([_error_line(group) for group in found]))


def _print_ratios(found: dict) -> None:
    click.echo("\nmeasured over predicted:")
    click.echo(_table([_group_line(group) for group in found["ratios"]]))
    if found["worst"]:
        click.echo("\nfurthest from the prediction, launch-bound rows aside:")
        click.echo(_table([_worst_line(row) for row in found["worst"]]))


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--calibration", help="Name in data/calibrations.csv, or a file that `calibrate` wrote.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def deployments(file: Path | None, calibration: str | None, as_json: bool) -> None:
    """Compare predicted and measured time per output token of the deployments in FILE (.csv or .parquet).

    By default of those in data/measurements/serving.parquet. Prints errors of |predicted/measured - 1| by
    accelerator and model, `all` over everything, and how far the median of predicted over measured moves where
    what runs do not state is read otherwise; then errors of the time to first token.
    """
    from analysis.measured.served import report
    from analysis.measured.serving_runs import load_runs

    found = report(load_runs(file), calibration)
    if as_json:
        click.echo(json.dumps(found, allow_nan=False))
        return
    click.echo(f"{found['rows']} deployments, time per output token")
    click.echo(_table([_error_line(group) for group in found["groups"]]))
    for note in found["notes"]:
        click.echo(note)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in found["shares"].items())
    click.echo(f"terms of it in the median: {shares}")
    readings = ", ".join(f"{name} {error:.1%}" for name, error in found["readings"].items())
    click.echo(f"what runs do not state, read otherwise (median error over all): {readings}")
    if found["ttft"]:
        click.echo("\ntime to first token; what engines and clients do besides is not modelled")
        click.echo(_table([_error_line(group) for group in found["ttft"]]))
        so_far = ", ".join(f"{name} {error:.1%}" for name, error in found["ttft with parts so far"].items())
        click.echo(f"part by part (median error of the sum so far): {so_far}")


_NAMED = ("operation", "accelerator", "model", "regime", "rows")
_BASELINES_TOLD = (
    "roofline, one efficiency, interpolation: median errors of the bare roofline, of the roofline over the one "
    "efficiency of the shipped rows, and of the device's own other rows, interpolated"
)


def _error_line(group: dict) -> dict:
    named = {name: group[name] for name in _NAMED if name in group}
    errors = {"median": group["median"], "90 %": group["p90"]}
    others = {name: cell for name, cell in group.items() if name not in (*_NAMED, "median", "p90", "median_ratio")}
    bar = {"over readings": f"{others.pop('low'):.2f} to {others.pop('high'):.2f}"} if "low" in others else {}
    shares = {name: f"{cell:.1%}" for name, cell in (errors | others).items()}
    return named | shares | {"predicted/measured": f"{group['median_ratio']:.2f}"} | bar


def _compared(file: Path | None):
    """Rows beside predictions, part by part; machines without a data sheet get the roofs that their rows measure."""
    from analysis.data import datasets
    from analysis.measured.kernel_files import load, machines
    from analysis.measured.predict import own_roofs
    from analysis.measured.validate import compare_parts

    unknown = file and machines(file) - set(datasets.accelerators())
    return compare_parts(file, own_roofs(load(file)) if unknown else None)


def _group_line(group: dict) -> dict:
    return {
        "operation": group["operation"],
        "accelerator": group["accelerator"],
        "regime": group["regime"],
        "rows": group["count"],
        "median": f"{group['median']:.2f}",
        "5 %": f"{group['low']:.2f}",
        "95 %": f"{group['high']:.2f}",
        **{f"within {limit}": f"{share:.0%}" for limit, share in group["within"].items()},
    }


def _worst_line(row: dict) -> dict:
    times = {name: f"{row[name] * 1e6:.4g} µs" for name in ("measured", "predicted")}
    return {
        "ratio": f"{row['ratio']:.2f}",
        "operation": row["operation"],
        "accelerator": row["accelerator"],
        **times,
        "shape": row["shape"],
    }


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--name", default="published", show_default=True, help="Name to give as calibration=.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="CSV file to write.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Seed of the split and the intervals."
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def calibrate(file: Path | None, name: str, output: Path, seed: int, force: bool) -> None:
    """Fit launch floors, efficiencies and sharpness to FILE, by default to the published figures in data/."""
    from analysis.data.calibrations import as_csv
    from analysis.files.outputs import checked_output, refuse_foreign, refuse_input, write_whole
    from analysis.measured.fitting import SOURCE, fit_all, sampled
    from analysis.measured.validate import to_fit

    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name):
        raise InputError(f"--name {name!r}: allowed are lower-case letters, digits, . and -; rename it.")
    refuse_input(checked_output(output, ".csv"), *([file] if file else []))
    refuse_foreign(output, force)
    source = file.name if file else SOURCE
    fitted = fit_all(sampled(_compared(file)) if file else to_fit(), name, source, seed=seed)
    if not fitted:
        raise InputError(f"{source}: too few shapes of any operation to fit and to test; give a file with more rows.")
    write_whole(output, as_csv(each.row for each in fitted))
    click.echo(_table([_fit_line(each.row) for each in fitted]))


def _fit_line(row) -> dict:
    numbers = {key: f"{number:.3g}" for key, number in row.parameters.items()}
    errors = {"error": row.error, "roofline": row.error_roofline, "constant": row.error_constant}
    return {
        "operation": row.key,
        **numbers,
        **{key: f"{number:.1%}" for key, number in errors.items()},
        "open": " ".join(row.open),
    }


def _table(rows: list[dict]) -> str:
    from tabulate import tabulate

    return tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True) if rows else ""


commands = [import_measurements, validate, calibrate, deployments]
