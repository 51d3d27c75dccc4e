"""Hugging Face configurations read and written as rows of a reader's own, by the command line and by notebooks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis.files.errors import InputError
from analysis.files.outputs import checked_folder, checked_output, refuse_foreign, refuse_input, write_whole
from analysis.files.text import place
from analysis.huggingface import Imported, default_id, import_config, row_text
from analysis.huggingface.summary import totals


def import_model(
    config: Path | str,
    output: Path | str | None = None,
    id_: str | None = None,
    year: int | None = None,
    replace: bool = False,
) -> Imported:
    """Read a Hugging Face config.json, and write it as a row that is used as model=OUTPUT.

    `output` ends in .yml (default: ID.yml in the working directory), `id_` names the row (default: the output's name,
    else the configuration's or its folder's), `year` dates it (default: the model type's). Printed, what is returned
    tells which key every size came from, what was inferred, totals, and what the row leaves out. Raises InputError for
    a file that is no configuration of a known type, for a place that cannot be written, and for a file that is there
    and differs, unless `replace`.
    """
    output = None if output is None else Path(output)
    if output:
        checked_output(output, ".yml", ".yaml")
    if id_ == "":
        raise InputError("--id '': found an empty name, allowed are lower-case letters, digits, . and -; give one.")
    imported = import_config(Path(config), id_ or (default_id(output) if output else None), year)
    output, content = output or Path(f"{imported.row.id}.yml"), row_text(imported).encode()
    refuse_input(output, Path(config))
    refuse_foreign(output, replace, lambda path: path.read_bytes() == content)
    write_whole(output, content)
    return imported


@dataclass(frozen=True)
class Folder:
    """What the import of a folder wrote, file by file, and which files it refused, by reason."""

    written: dict[Path, Imported]
    refused: dict[str, list[Path]]

    def __str__(self) -> str:
        names = {reason: ", ".join(path.name for path in paths) for reason, paths in self.refused.items()}
        lines = [f"refused {len(paths)} ({names[reason]}): {reason}" for reason, paths in self.refused.items()]
        return "\n".join([f"wrote {len(self.written)} rows", *lines])


def import_folder(
    folder: Path | str,
    output: Path | str = ".",
    year: int | None = None,
    replace: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Folder:
    """Import every configuration in a folder, each as ID.yml in the folder `output`; `tell` is given a line for each.

    Configurations are config.json itself, else the files that end in .json and the config.json of folders directly
    below. Raises InputError for a folder without any, and for an output that cannot be written; what one file is
    refused for stops none of the others.
    """
    paths, output = _configurations(Path(folder)), checked_folder(Path(output))
    output.mkdir(parents=True, exist_ok=True)
    done = Folder({}, {})
    for number, path in enumerate(paths, 1):
        row = output / f"{default_id(path)}.yml"
        try:
            if row in done.written:
                raise InputError(f"{place(path)}: found a file whose row has the name of another's; rename one.")
            found = import_model(path, row, year=year, replace=replace)
        except InputError as failure:
            done.refused.setdefault(_reason(path, failure), []).append(path)
            tell(f"{number}/{len(paths)} {path.name}: refused")
        else:
            done.written[row] = found
            tell(f"{number}/{len(paths)} {path.name}: {row.name}, {next(iter(totals(found).values())):,} parameters")
    return done


def _configurations(folder: Path) -> list[Path]:
    own = folder / "config.json"
    found = [own] if own.is_file() else sorted([*folder.glob("*.json"), *folder.glob("*/config.json")])
    if not found:
        raise InputError(
            f"{place(folder)}: found a folder without configurations, allowed are files that end in .json, or folders "
            "with a config.json; name the folder that holds them."
        )
    return found


def _reason(path: Path, failure: InputError) -> str:
    """What a file was refused for, without its own name and without the list of what is allowed."""
    said = str(failure).removeprefix(place(path)).lstrip(":, ")
    return said.partition("; allowed are ")[0]
