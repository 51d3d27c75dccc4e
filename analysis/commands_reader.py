"""Commands for a reader's own model, grid and reruns; `analysis.__main__` registers `commands`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

_path = click.Path(path_type=Path)
_jobs = click.option("--jobs", type=click.IntRange(1, 4096), default=None, help="Processes; by default one per core.")
_scheduler = click.option("--scheduler", metavar="ADDRESS", help="Run on the Dask cluster at this address instead.")


@contextmanager
def _resumable() -> Iterator[None]:
    """Tell whoever interrupts a long run that nothing finished is lost."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\ninterrupted; the same command goes on where it was", err=True)
        raise


@click.command("import-model")
@click.argument("config", type=_path)
@click.option(
    "--id", "id_", metavar="NAME", help="Name of the row; by default OUTPUT's, else the file's or its folder's."
)
@click.option("--year", type=click.IntRange(2017, 2035), help="Year of the model; by default the model type's.")
@click.option("-o", "--output", type=_path, help="Where the row is written; by default NAME.yml here.")
@click.option("--force", is_flag=True, help="Replace a file that is there and differs.")
def import_model(config: Path, id_: str | None, year: int | None, output: Path | None, force: bool) -> None:
    """Turn a Hugging Face CONFIG (config.json) into a model row, used as model=./NAME.yml.

    Prints which key every size came from, what was inferred, the totals, and what the row leaves out.
    """
    from analysis.model_files import import_model as run

    imported = run(config, output, id_, year, replace=force)
    place = output or Path(f"{imported.row.id}.yml")
    click.echo(f"{imported}\nwrote {place}; use it as model={place if place.is_absolute() else f'./{place}'}")


@click.command()
@click.argument("grid", type=_path)
@click.option("-o", "--output", type=_path, required=True, help="The table to write: .parquet or .csv.")
@_jobs
@_scheduler
def sweep(grid: Path, output: Path, jobs: int | None, scheduler: str | None) -> None:
    """Evaluate the product of parameter values in GRID (a YAML file) into one table.

    Interrupted, the same command goes on where it was. Columns are explained in OUTPUT's .dictionary.csv.
    """
    from analysis.sweeping import sweep as run

    with _resumable():
        done = run(grid, output, jobs, scheduler)
    rate = f", {done.computed / done.seconds:.3g} points/s" if done.computed else ""
    click.echo(f"wrote {done.out}: {done.rows} rows of {done.points} points in {done.seconds:.3g} s{rate}")
    if done.skipped:
        click.echo(
            f"left out {len(done.skipped)} settings, the first because: {done.skipped[0]['reason']} "
            f"(all stand in {done.out.stem}.skipped.csv)"
        )


@click.command()
@click.argument("notebook", type=_path)
@click.argument("parameters", type=_path)
@click.option("-o", "--output", type=_path, default=Path("_build/reruns"), show_default=True, help="Folder of results.")
@_jobs
@_scheduler
def rerun(notebook: Path, parameters: Path, output: Path, jobs: int | None, scheduler: str | None) -> int:
    """Run NOTEBOOK once per row of PARAMETERS (a CSV file, a column per parameter), and index the results.

    Goes on after failures; exit code 1 says that some rows failed.
    """
    from analysis.rerunning import rerun as run

    with _resumable():
        outcomes = run(notebook, parameters, output, jobs, scheduler)
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
