"""What rows must know of the derivations: symbols by name, groups of vectors, and what a mechanism's lines speak of.

It is read off the einsum lines once and kept between processes, so that rows are read without sympy.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from analysis import derive
from analysis.derive.choices import Rows
from analysis.files.kept import kept


@dataclass(frozen=True)
class Lines:
    """What the lines of a mechanism speak of: axes (those of spans too), contraction orders, parts of the cache, rows.

    `in_words` says that an architecture can name it by a word, `equal_heads` that its key-value heads are its query
    heads, `prompt` that a prompt takes lines of its own.
    """

    axes: frozenset[str]
    orders: tuple[str, ...]
    parts: tuple[str, ...]
    rows: Rows
    in_words: bool
    equal_heads: bool
    prompt: bool

    def order_of(self, phase: str, asked: str | None = None) -> str:
        """The contraction order of a step: as asked for if there is such, else the one that suits the phase."""
        suits = self.orders[-1] if phase == "decode" else self.orders[0]
        return next(each for each in (asked or suits, self.orders[0]) if each in self.orders)


@cache
def mechanisms() -> dict[str, Lines]:
    """What the lines of every mechanism speak of, by its name.

    >>> mechanisms()["MLA"].order_of("decode"), sorted(mechanisms()["MHA"].axes - {"B", "l"})
    ('reordered', ['L', 'd_emb', 'd_hd', 'n_hd'])
    """
    return {name: _of(**found) for name, found in _names()["mechanisms"].items()}


def _of(axes, orders, parts, rows, **more) -> Lines:
    stores, lent, *picking = rows
    return Lines(
        frozenset(axes), tuple(orders), tuple(parts), Rows(frozenset(stores), frozenset(lent), *picking), **more
    )


def caching_first(attending: Iterable) -> list:
    """A row's kinds of block that have attention, those with a cache before those with states alone."""
    return sorted(attending, key=lambda kind: not mechanisms()[kind.attention].rows.stores)


def cuts_prompts(attending: Iterable) -> bool:
    """Whether prompts pass some of a row's kinds of block in lines that differ from those of a step."""
    return any(mechanisms()[kind.attention].prompt for kind in attending)


def cut() -> int:
    """Tokens of a chunk where a model's row states no length of its own."""
    return _names()["cut"]


def latent() -> Lines:
    """Those of the mechanism that a setting without a model is read as."""
    return mechanisms()[_names()["latent"]]


def symbol_names() -> frozenset[str]:
    """Names of all symbols."""
    return frozenset(_names()["symbols"])


def vectors() -> tuple[str, ...]:
    """Names of the groups of vectors."""
    return tuple(_names()["vectors"])


@cache
def _names() -> dict:
    return kept("names that rows know", _read, "analysis/derive", "analysis/data/lines.py", "requirements.lock")


def _read() -> dict:
    return {
        "symbols": sorted(derive.symbols.BY_NAME),
        "vectors": list(derive.vectors.VECTORS),
        "latent": derive.attention.MLA.name,
        "cut": derive.states.CUT,
        "mechanisms": {name: _spoken_of(each) for name, each in derive.mechanisms.ALL.items()},
    }


def _spoken_of(mechanism) -> dict:
    spans, rows = derive.spans.SPANS, mechanism.rows
    stages = (lines for order in mechanism.orders for lines in mechanism.stages(order).values())
    axes = {axis for lines in stages for line in lines for axis in line.axes}
    sizes = [size for axis in axes & set(spans) for size in (spans[axis].stored, spans[axis].touched)]
    return {
        "axes": sorted(symbol.name for symbol in axes.union(*(size.free_symbols for size in sizes))),
        "orders": mechanism.orders,
        "parts": mechanism.parts,
        "rows": (sorted(rows.stores), sorted(rows.lent), rows.picks, rows.picked),
        "in_words": mechanism.name in derive.attention.MECHANISMS,
        "equal_heads": mechanism.name == derive.attention.MHA.name,
        "prompt": mechanism.prompts_apart,
    }
