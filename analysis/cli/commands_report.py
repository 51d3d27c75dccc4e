"""The command `report`; `analysis.cli.main` registers `commands`. What a call needs is imported late, by the call."""

from pathlib import Path

import click

EPILOG = """Examples:

\b
  python -m analysis report model=deepseek-v3 accelerator=b200-sxm n_acc=32 L=8192 -o my-report
  python -m analysis report --system data/examples/system.yml slo=0.05 -o my-report

A system file says the same as NAME=VALUE, a line each (`model: ./my-model.yml`); paths in it are relative to it. A
model may come from `import-model`, an accelerator and a link from a YAML file of your own.
"""


@click.command(epilog=EPILOG)
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--system", "file", type=click.Path(path_type=Path), metavar="FILE", help="Parameters in a YAML file.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default="report", show_default=True, metavar="DIR")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Notebooks run at once.")
@click.option("--force", is_flag=True, help="Replace a folder that holds other things.")
def report(assignments: tuple[str, ...], file: Path | None, output: Path, jobs: int, force: bool) -> None:
    """Make a report on a system of your own: what limits it, how to serve it best, and the book's figures for it.

    Needs model=, accelerator= and n_acc=; takes all that `evaluate` takes. The pages need no network.
    """
    from analysis.ask.reading import assigned
    from analysis.book.report.making import checked, report
    from analysis.book.report.subject import from_folder, system_in, system_of
    from analysis.files.outputs import checked_folder

    folder = checked(checked_folder(output.absolute()), file, force)
    given = system_in(file) if file else {}
    system = system_of(given | from_folder(assigned(assignments), Path.cwd()))
    click.echo(f"report: {report(system, folder, jobs)}")


commands = [report]
