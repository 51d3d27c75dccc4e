"""Commands for a reader's own model, grid and reruns; `analysis.cli.main` registers `commands`.

What a call needs is imported late, by the call.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from analysis.files.errors import InputError

SWEEP_EPILOG = """A grid that works as it stands, saved as grid.yml:

\b
  quantities: [tpot, throughput_per_accelerator, B_cap]
  with: {n_acc: 32, slo: 0.05}                        # held fixed; slo in s
  over:                                               # every combination
    model: [deepseek-v3, qwen3-235b-a22b]             # an id, or a file: ./mine.yml
    accelerator: [b200-sxm, h200-sxm5]
    link: [nvlink5-b200, ib-xdr]
    deg_TP: [1, 4]
    B: {from: 32, to: 8192, points: 50, scale: log}   # requests of the system
    L: [4096, 32768]                                  # tokens of context
    s: [0, 0.4]                                       # skew of expert popularity
    width_kv: [1, 2]                                  # bytes of a cached element
  constraints: [fits_memory, meets_slo]               # under flags: marked, not left out
  pareto: {gain: throughput_per_accelerator, cost: tpot, by: [model, L]}

\b
  python -m analysis sweep grid.yml -o out.parquet

`python -m analysis quantities` and `parameters` list what can be asked and given. Axes B, L, BW_Int, causal, Gamma_imb
and the widths cost least: they are evaluated as arrays.
"""
RERUN_EPILOG = """A table of parameters, saved as params.csv; an empty cell keeps the notebook's own value:

\b
  model,accelerator,L
  deepseek-v3,h200-sxm5,8192
  qwen3-235b-a22b,,32768

\b
  python -m analysis rerun book/notebooks/intensity.ipynb params.csv -o reruns
  python -m papermill --help-notebook book/notebooks/intensity.ipynb   # its parameters
"""
IMPORT_EPILOG = """Example:

\b
  python -m analysis import-model data/examples/config.json --id my-model -o my-model.yml
  python -m analysis evaluate kv_bytes_per_token model=./my-model.yml
  python -m analysis import-model configurations -o models      # a folder of them in one call
"""
_path = click.Path(path_type=Path)
_jobs = click.option("--jobs", type=click.IntRange(1, 4096), default=None, help="Processes; by default one per core.")
_force = click.option("--force", is_flag=True, help="Replace files that are there and that this command did not write.")
_scheduler = click.option("--scheduler", metavar="ADDRESS", help="Run on the Dask cluster at this address instead.")


@contextmanager
def _resumable() -> Iterator[None]:
    """Tell whoever interrupts a long run that nothing finished is lost."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\ninterrupted; the same command goes on where it was", err=True)
        raise


@click.command("import-model", epilog=IMPORT_EPILOG)
@click.argument("config", type=_path)
@click.option(
    "--id", "id_", metavar="NAME", help="Name of the row; by default OUTPUT's, else the file's or its folder's."
)
@click.option("--year", type=click.IntRange(2017, 2035), help="Year of the model; by default the model type's.")
@click.option(
    "-o", "--output", type=_path, help="Where the row is written; by default NAME.yml here; of a folder: here."
)
@click.option("--force", is_flag=True, help="Replace a file that is there and differs.")
@click.option("--partial", is_flag=True, help="Of a folder: exit code 0 also where some files were refused.")
def import_model(
    config: Path, id_: str | None, year: int | None, output: Path | None, force: bool, partial: bool
) -> int:
    """Turn a Hugging Face CONFIG (config.json) into a model row, used as model=./NAME.yml.

    Prints which key every size came from, what was inferred, the totals, and what the row leaves out.

    Of a folder, every configuration becomes a file of its own in the folder OUTPUT (by default here); which were
    refused, and for what, is told at the end (exit code 2).
    """
    if config.is_dir():
        return _import_folder(config, id_, year, output, force, partial)
    from analysis.huggingface.model_files import import_model as run

    imported = run(config, output, id_, year, replace=force)
    place = output or Path(f"{imported.row.id}.yml")
    click.echo(f"{imported}\nwrote {place}; use it as model={place if place.is_absolute() else f'./{place}'}")
    return 0


def _import_folder(
    folder: Path, id_: str | None, year: int | None, output: Path | None, force: bool, partial: bool
) -> int:
    from analysis.huggingface.model_files import import_folder as run

    if id_ is not None:
        raise InputError(
            "--id: found a name for a folder of models, allowed is none, as each has its own; leave it out."
        )
    done = run(folder, output or Path(), year, force, tell=click.echo)
    click.echo(done, err=bool(done.refused))
    return 2 if done.refused and not partial else 0


@click.command(epilog=SWEEP_EPILOG)
@click.argument("grid", type=_path)
@click.option(
    "-o", "--output", required=True, help="The table to write: a .parquet or .csv file, or a folder of parts."
)
@_jobs
@_scheduler
@_force
def sweep(grid: Path, output: str, jobs: int | None, scheduler: str | None, force: bool) -> None:
    """Evaluate the product of parameter values in GRID (a YAML file) into one table.

    An output without an ending, or with a slash at its end, is a folder of Parquet files that are read as one: for
    grids of any size, up to 10^10 points. Interrupted, the same command goes on where it was. Columns are explained in
    OUTPUT's .dictionary.csv.
    """
    from analysis.sweeps.running import sweep as run

    with _resumable():
        done = run(grid, output, jobs, scheduler, replace=force)
    rate = f", {done.computed / done.seconds:.3g} points/s" if done.computed else ""
    click.echo(f"wrote {done.out}: {done.rows} rows of {done.points} points in {done.seconds:.3g} s{rate}")
    if done.skipped:
        click.echo(
            f"left out {len(done.skipped)} settings, the first because: {done.skipped[0]['reason']} "
            f"(all stand in {done.out.stem}.skipped.csv)"
        )
    for note in done.notes:
        click.echo(f"note: {note}")


@click.command(epilog=RERUN_EPILOG)
@click.argument("notebook", type=_path)
@click.argument("parameters", type=_path)
@click.option("-o", "--output", type=_path, default=Path("_build/reruns"), show_default=True, help="Folder of results.")
@_jobs
@_scheduler
@_force
def rerun(notebook: Path, parameters: Path, output: Path, jobs: int | None, scheduler: str | None, force: bool) -> int:
    """Run NOTEBOOK once per row of PARAMETERS (a CSV file, a column per parameter), and index the results.

    Goes on after failures; exit code 1 says that some rows failed.
    """
    from analysis.book.rerunning import rerun as run

    with _resumable():
        outcomes = run(notebook, parameters, output, jobs, scheduler, replace=force)
    failed = [outcome for outcome in outcomes if outcome.failure]
    for outcome in failed:
        given = " ".join(f"{name}={value}" for name, value in outcome.parameters.items())
        click.echo(f"failed with {given}: {outcome.failure}", err=True)
    kept = sum(outcome.kept for outcome in outcomes)
    click.echo(
        f"{len(outcomes)} runs: {len(outcomes) - kept - len(failed)} new, {kept} current, {len(failed)} failed; "
        f"see {output / 'index.html'}"
    )
    return 1 if failed else 0


commands = [import_model, sweep, rerun]
