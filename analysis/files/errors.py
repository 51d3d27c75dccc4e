"""The one exception that readers of this study meet: a sentence, never a traceback."""

import difflib
import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType


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


def near(name, known: Iterable[str], also: Mapping[str, str] = MappingProxyType({})) -> str:
    """Known names that a mistyped one may mean, whatever its case, as a hint for a message; empty where there is none.

    `also` holds further ways to spell some of them.

    >>> near("TPOT", ["tpot", "tpot_terms"]), near("TP", ["deg_TP", "B"], {"tp": "deg_TP"}), near("x", ["tpot"])
    ('close to it is tpot; ', 'close to it is deg_TP; ', '')
    """
    spelt: dict[str, list[str]] = {}
    for way, each in (*((each, each) for each in known), *also.items()):
        spelt.setdefault(way.casefold(), []).append(each)
    plain = shown(name).casefold()
    found = [plain] if plain in spelt else difflib.get_close_matches(plain, spelt, n=3)
    names = list(dict.fromkeys(each for way in found for each in spelt[way]))
    return f"close to it {'are' if len(names) > 1 else 'is'} {choices(names)}; " if names else ""


def choices(allowed) -> str:
    """List allowed values for a message, in their given order.

    >>> choices(["decode", "prefill"])
    'decode, prefill'
    """
    return ", ".join(str(value) for value in allowed)
