"""What a model row's blocks are made of, and how many there are of each kind."""

from dataclasses import replace

from sympy import Integer

from analysis.ask.structure import in_words
from analysis.data.kind_of_block import KindOfBlock
from analysis.data.model_row import Model
from analysis.derive.block import Architecture, FeedForward, Kind
from analysis.derive.mechanisms import ALL
from analysis.derive.spans import BANDS
from analysis.derive.symbols import BY_NAME, n_dec


def architecture(row: Model, windows: str = "row", other: bool = False) -> Architecture:
    """What the blocks of a model row are made of; `windows="full"` reads every block as one of full attention.

    `other` leaves the number of blocks open, as `other_blocks` gives another.

    Models whose blocks differ in nothing but windows and experts share their closed forms, in which numbers of blocks
    are symbols; others have forms of their own, with the numbers and sizes of each kind.
    """
    words = in_words(row, windows)
    if words is not None:
        return Architecture(**words)
    built = _listed(row, other)
    if windows != "full":
        return built
    return replace(built, listed=tuple(replace(kind, mechanism=_opened(kind.mechanism)) for kind in built.listed))


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
