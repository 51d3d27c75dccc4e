"""How a command ends: an answer and code 0, or one sentence on standard error and code 2; never a traceback."""

import sys

import click

from analysis.files.errors import Failures, InputError
from analysis.files.text import place as shown_place
from analysis.files.text import shown

NO_COMMAND = getattr(click.exceptions, "NoArgsIsHelpError", ())  # before click 8.2 help is printed without it


def run(command: click.Command, name: str, arguments: list[str] | None = None) -> int:
    """Run a command (`name` as typed) with `arguments`, by default those of the process; return its exit code."""
    try:
        _refuse_nul(sys.argv[1:] if arguments is None else arguments)
        return command.main(arguments, prog_name=name, standalone_mode=False) or 0
    except NO_COMMAND as error:
        click.echo(error.ctx.get_help(), err=True)
    except click.UsageError as error:
        asked = error.ctx.command_path if error.ctx else name
        _tell(f"{error.format_message()} (`{asked} --help` shows how.)")
    except click.ClickException as error:
        _tell(error.format_message())
    except click.Abort:
        return 130
    except Failures as error:
        for sentence in error.sentences:
            _tell(sentence)
    except InputError as error:
        _tell(str(error))
    except MemoryError:
        _tell("found no memory left for this, allowed is what fits; ask for fewer or smaller values.")
    except OSError as error:  # what no check foresaw: a disk that fills up, a folder that goes
        place = shown_place(error.filename) if error.filename else "the output"
        _tell(f"{place}: found {(error.strerror or str(error)).lower()}; choose another place, or mend this one.")
    return 2


def _refuse_nul(arguments: list[str]) -> None:
    """What no shell can type, a caller can give; click would hand it to the operating system."""
    for each in arguments:
        if "\0" in each:
            raise InputError(f"{shown(each)}: found a NUL character, allowed is plain text; retype it.")


def _tell(sentence: str) -> None:
    """One line; what would move the cursor or hide letters is spelt out."""
    line = " ".join(sentence.split())
    click.echo("error: " + "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line), err=True)
