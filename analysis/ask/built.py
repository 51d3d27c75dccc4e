"""What a model row's blocks are made of, and how many there are of each kind."""

from dataclasses import replace

import numpy as np
from sympy import Symbol

from analysis.derive.block import Architecture
from analysis.derive.symbols import BY_NAME
from analysis.files.errors import InputError


def architecture(row, windows: str = "row") -> Architecture:
    """What the blocks of a model row are made of; `windows="full"` reads every block as one of full attention."""
    built = Architecture(
        attention=row.attention,
        ffn=row.ffn,
        dense=row.n_moe < row.n_dec,
        experts=row.n_moe > 0,
        shared=bool(row.d_shared),
        tied=row.tied,
        vectors=tuple(row.vectors),
        full=row.n_win < row.n_dec,
        window=row.window or "",
    )
    return replace(built, full=True, window="") if windows == "full" else built


def other_blocks(row, built: Architecture, blocks) -> dict[Symbol, object]:
    """Counts of blocks where a model has more or fewer of them: those with experts change, dense ones stay.

    Raises InputError for fewer than the dense ones, and for two kinds of attention, of which either could go.
    """
    dense = row.n_dec - row.n_moe if row.n_moe else 0
    if np.any(np.asarray(blocks) < dense):
        raise InputError(
            f"blocks={blocks}: {row.id} has {dense} dense blocks besides those with experts; give at least {dense}."
        )
    if built.windowed and built.full:
        raise InputError(
            f"blocks={blocks}: {row.id} has blocks of two kinds of attention, and it is not said which kind goes; "
            "leave blocks= out, or give windows=full."
        )
    return {BY_NAME["n_dec"]: blocks, BY_NAME["n_moe"]: blocks - dense if row.n_moe else 0}
