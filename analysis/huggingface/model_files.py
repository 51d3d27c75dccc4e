"""A Hugging Face configuration read and written as a row of a reader's own, by the command line and by notebooks."""

from pathlib import Path

from analysis.files.errors import InputError
from analysis.files.outputs import checked_output, refuse_foreign, refuse_input, write_whole
from analysis.huggingface import Imported, default_id, import_config, row_text


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
