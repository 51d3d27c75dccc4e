"""Every reading of the memory book behind a printed B_cap, side by side (Eq. 11, Sec. VII-A).

A reading chooses a capacity, a number of blocks, how often each part of the weights is counted, whether activations
are, and how the batch is rounded. All choices are combined; none is tuned. The books of `analysis.derive.capacity`
are members: `eq11`, `once` and `as_built`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from analysis.ask.numbers import value
from analysis.ask.setting import GB, GIB, Setting
from analysis.derive import capacity
from analysis.derive.attention import MLA
from analysis.derive.symbols import deg_DP, n_acc

CAPACITIES = {"192 GB": 192 * GB, "180 GB": 180 * GB, "192 GiB": 192 * GIB, "180 GiB": 180 * GIB}
OUT, ONCE, GROUP, BUILT = "out", "once", "per DP group", "as built"
# What M_attn and M_MoE of Eq. 11 may hold, and how often each may be counted. `feedforward` is the routed experts,
# or the dense layers of a model without experts; only the latter can be repeated in every group.
COUNTED = {
    "attention": (GROUP, ONCE),
    "feedforward": (ONCE, GROUP),
    "shared": (OUT, ONCE, GROUP),
    "dense beside experts": (OUT, ONCE, GROUP),
    "rest": (OUT, ONCE, BUILT),
}
REST = ("router", "vectors", "embedding", "head")


@dataclass(frozen=True)
class Book:
    """One reading of the memory book; `counted` says how often each part of the weights counts."""

    capacity: str
    fewer_blocks: bool
    counted: tuple[tuple[str, str], ...]
    activations: bool
    per_group: bool

    def without(self, absent: Iterable[str]) -> "Book":
        """The same reading, silent about parts that a model does not have."""
        kept = tuple((part, count) for part, count in self.counted if part not in absent)
        return Book(self.capacity, self.fewer_blocks and "blocks" not in absent, kept, self.activations, self.per_group)

    def __str__(self) -> str:
        parts = ", ".join(f"{part} {count}" for part, count in self.counted)
        blocks = ", one block fewer" if self.fewer_blocks else ""
        activations = "with" if self.activations else "without"
        rounding = "a multiple of deg_DP" if self.per_group else "an integer"
        return f"{self.capacity}{blocks}, {parts}, {activations} activations, down to {rounding}"


def books() -> tuple[Book, ...]:
    """Every reading, the one that Eq. 11 and Table I state first.

    >>> len(books()), str(books()[0])
    (3456, '192 GB, attention per DP group, feedforward once, shared out, dense beside experts out, rest out, with
    activations, down to an integer')
    """
    counts = [tuple(zip(COUNTED, choice, strict=True)) for choice in product(*COUNTED.values())]
    return tuple(Book(*choice) for choice in product(CAPACITIES, (False, True), counts, (True, False), (False, True)))


@dataclass(frozen=True)
class _Bytes:
    """What a model's memory book is made of [byte]: weights by part and count, and what a request costs."""

    weights: dict[tuple[str, str], float]
    request: dict[bool, float]


@cache
def _bytes(model: str, accelerators: int, deg_TP: int, L: int, blocks: int | None) -> _Bytes:
    setting = Setting.of(model=model, n_acc=accelerators, deg_TP=deg_TP, L=L, blocks=blocks)
    given, experts = setting.architecture, setting.architecture.experts
    once, built = (
        {part: float(value(form, setting.point)) for part, form in parts.items()}
        for parts in (capacity.weights_by_part(given, False), capacity.weights_by_part(given))
    )
    main = {"feedforward": once["routed" if experts else "dense"], "attention": once["attention"]}
    beside = {"shared": once.get("shared", 0.0), "dense beside experts": once.get("dense", 0.0) if experts else 0.0}
    groups = float(setting.point[deg_DP])
    weights = {
        (part, count): size * times
        for part, size in (main | beside).items()
        for count, times in ((OUT, 0), (ONCE, 1), (GROUP, groups))
    }
    weights[("feedforward", GROUP)] = main["feedforward"] * (1 if experts else groups)
    weights |= {
        ("rest", count): sum(parts.get(part, 0.0) for part in REST)
        for count, parts in ((OUT, {}), (ONCE, once), (BUILT, built))
    }
    forms = {kept: capacity.request_bytes(given, setting.conventions, "eq11", kept) for kept in (True, False)}
    return _Bytes(weights, {kept: float(value(form, setting.point)) for kept, form in forms.items()})


def unrounded(book: Book, setting: Setting) -> float:
    """B_cap [requests] of a model under one reading before it is rounded. Raises InputError."""
    fewer = setting.model.n_dec - 1 if book.fewer_blocks else None
    held = _bytes(setting["model"], setting["n_acc"], setting["deg_TP"], setting["L"], fewer)
    free = CAPACITIES[book.capacity] * setting.point[n_acc] - sum(held.weights[each] for each in book.counted)
    return free / held.request[book.activations]


def batch(book: Book, setting: Setting) -> int:
    """B_cap [requests] of a model under one reading, rounded and never below 0. Raises InputError.

    >>> batch(books()[0], Setting.of(model="deepseek-v3", n_acc=32, L=8192))
    7127
    """
    step = setting.point[deg_DP] if book.per_group else 1
    return max(0, int(np.floor(unrounded(book, setting) / step) * step))


def _absent(setting: Setting) -> tuple[str, ...]:
    """Choices that a model does not have: only R1's count of blocks is in doubt (C019, C021)."""
    parts = setting.architecture
    missing = () if parts.shared else ("shared",)
    missing += () if parts.dense and parts.experts else ("dense beside experts",)
    missing += ("feedforward",) if parts.experts else ()
    return missing + (() if parts.mechanism is MLA else ("blocks",))


def readings(setting: Setting) -> dict[Book, int]:
    """B_cap [requests] of a model under every reading that makes a difference to it. Raises InputError."""
    absent = _absent(setting)
    distinct = dict.fromkeys(book.without(absent) for book in books())
    return {book: batch(filled(book), setting) for book in distinct}


def filled(book: Book) -> Book:
    """A reading with the parts it is silent about; the model has none of them, so any count will do."""
    counted = dict(book.counted)
    whole = tuple((part, counted.get(part, choices[0])) for part, choices in COUNTED.items())
    return Book(book.capacity, book.fewer_blocks, whole, book.activations, book.per_group)


def giving_all(printed: Mapping[str, float], settings: Mapping[str, Setting]) -> list[Book]:
    """The readings that give the printed batch [requests] of every model named in `printed` at once.

    Raises InputError.
    """
    found = {name: readings(settings[name]) for name in printed}
    absent = {name: _absent(settings[name]) for name in printed}
    return [
        book
        for book in books()
        if all(found[name][book.without(absent[name])] == number for name, number in printed.items())
    ]
