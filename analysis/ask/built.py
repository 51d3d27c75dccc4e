"""What a model row's blocks are made of, and how many there are of each kind."""

from dataclasses import replace

import numpy as np
from sympy import Integer, Symbol

from analysis.data.model_row import KindOfBlock, Model
from analysis.derive.attention import MECHANISMS
from analysis.derive.block import Architecture, FeedForward, Kind
from analysis.derive.mechanisms import ALL
from analysis.derive.spans import BANDS
from analysis.derive.symbols import BY_NAME, n_dec
from analysis.files.errors import InputError


def architecture(row: Model, windows: str = "row", other: bool = False) -> Architecture:
    """What the blocks of a model row are made of; `windows="full"` reads every block as one of full attention.

    `other` leaves the number of blocks open, as `other_blocks` gives another.

    Models whose blocks differ in nothing but windows and experts share their closed forms, in which numbers of blocks
    are symbols; others have forms of their own, with the numbers and sizes of each kind.
    """
    built = _in_words(row) if _alike(row) else _listed(row, other)
    if windows != "full":
        return built
    opened = tuple(replace(kind, mechanism=_opened(kind.mechanism)) for kind in built.listed)
    return replace(built, listed=opened) if opened else replace(built, full=True, window="")


def _alike(row: Model) -> bool:
    """Whether one mechanism in one shape, and at most one window, make all blocks."""
    shapes = {(kind.attention, bool(kind.feedforward)) for kind in row.kinds}
    plain = all(not (kind.sizes or kind.vectors or kind.borrows or kind.queries) for kind in row.kinds)
    windows = {kind.window for kind in row.kinds if kind.window}
    return plain and len(shapes) == 1 and len(windows) < 2 and row.attention in MECHANISMS and not row.d_z


def _in_words(row: Model) -> Architecture:
    return Architecture(
        attention=row.attention,
        ffn=row.ffn,
        dense=row.n_moe < row.n_dec,
        experts=row.n_moe > 0,
        shared=bool(row.d_shared),
        tied=row.tied,
        vectors=tuple(row.vectors),
        full=row.n_win < row.n_dec,
        window=row.window or "",
        expert_form=row.ffn,
    )


def _listed(row: Model, other: bool) -> Architecture:
    kinds = [_kind(row, kind) for kind in row.kinds]
    if other and row.grows:
        at = row.kinds.index(row.grows)
        kinds[at] = replace(kinds[at], blocks=kinds[at].blocks + n_dec - row.n_dec)
    return Architecture.of_kinds(*kinds, tied=row.tied, vectors=tuple(row.vectors))


def _kind(row: Model, kind: KindOfBlock) -> Kind:
    sizes, shared = row.sizes_of(kind), row.sizes_of(KindOfBlock(blocks=1))
    own = {name: size for name, size in sizes.items() if shared.get(name) != size}
    mechanism = ALL[kind.attention] if kind.attention else None
    if mechanism:
        mechanism = mechanism.within(BANDS[kind.window]) if kind.window else mechanism
        mechanism = replace(mechanism, borrows=True) if kind.borrows else mechanism
    return Kind(
        Integer(kind.blocks),
        mechanism,
        _half(row, kind, sizes),
        tuple((BY_NAME[name], Integer(size)) for name, size in own.items()),
        Integer(kind.queries) if kind.queries else None,
        tuple(kind.vectors),
        kind.attends,
    )


def _half(row: Model, kind: KindOfBlock, sizes: dict[str, int]) -> FeedForward | None:
    if not kind.feedforward:
        return None
    if kind.feedforward == "dense":
        return FeedForward(row.ffn)
    return FeedForward(row.ffn, experts=True, shared=bool(sizes["d_shared"]), latent="d_z" in sizes)


def _opened(mechanism):
    """The mechanism over the whole context, where a band of it was read."""
    return mechanism.within(BY_NAME["L"]) if mechanism and mechanism.context in BANDS.values() else mechanism


def other_blocks(row: Model, built: Architecture, blocks) -> dict[Symbol, object]:
    """Counts of blocks where a model has more or fewer of them: those with experts change, dense ones stay.

    Raises InputError for fewer than the dense ones, and for two kinds of attention, of which either could go.
    """
    if (built.listed and not row.grows) or (built.windowed and built.full):
        full = ", or give windows=full" if built.windowed and not built.listed else ""
        raise InputError(
            f"blocks={blocks}: {row.id} has blocks of two kinds of attention, and it is not said which kind goes; "
            f"leave blocks= out{full}."
        )
    dense = row.n_dec - row.n_moe if row.n_moe else 0
    if np.any(np.asarray(blocks) < dense):
        raise InputError(
            f"blocks={blocks}: {row.id} has {dense} dense blocks besides those with experts; give at least {dense}."
        )
    return {BY_NAME["n_dec"]: blocks, BY_NAME["n_moe"]: blocks - dense if row.n_moe else 0}
