"""The one exception that readers of this study meet: a sentence, never a traceback."""

import sys


class InputError(ValueError):
    """Something the reader gave cannot be used.

    The message is one sentence: the place, the value found, the values allowed, the remedy.
    The command line prints it and exits with code 2; a notebook prints it in place of a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """Give IPython (and so papermill's log) the sentence alone."""
        print(f"error: {self}", file=sys.stderr)
        return [f"error: {self}"]


class Failures(InputError):
    """Several things went wrong, a sentence each: notebooks that fail, pages that Sphinx refuses."""

    def __init__(self, sentences):
        self.sentences = tuple(sentences)
        super().__init__("\n".join(self.sentences))


def shown(value, longest: int = 60) -> str:
    """Repeat a reader's value in a message: on one line, and cut short where it is long.

    >>> shown("a\\nb")
    'a b'
    """
    text = " ".join(str(value).split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def choices(allowed) -> str:
    """List allowed values for a message, in their given order.

    >>> choices(["decode", "prefill"])
    'decode, prefill'
    """
    return ", ".join(str(value) for value in allowed)
