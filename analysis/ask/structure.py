"""What an architecture is built of, in words: rows of one shape share their closed forms."""

import numpy as np

from analysis.data.lines import mechanisms
from analysis.data.model_row import Model
from analysis.files.errors import InputError


def in_words(row: Model, windows: str = "row") -> dict[str, object] | None:
    """An architecture of whose blocks one mechanism in one shape, and at most one window, make all; None for others.

    `windows="full"` reads every block as one of full attention.
    """
    if not _alike(row):
        return None
    full = windows == "full"
    return {
        "attention": row.attention,
        "ffn": row.ffn,
        "dense": row.n_moe < row.n_dec,
        "experts": row.n_moe > 0,
        "shared": bool(row.d_shared),
        "tied": row.tied,
        "vectors": tuple(row.vectors),
        "full": full or row.n_win < row.n_dec,
        "window": "" if full else row.window or "",
        "expert_form": row.ffn,
    }


def shape(row: Model, windows: str = "row", other: bool = False) -> tuple:
    """All that the architecture of a row follows from; `other` says that another number of blocks is asked for."""
    words = in_words(row, windows)
    if words is not None:
        return tuple(words.items())
    return row.kinds, row.sizes, row.ffn, row.tied, tuple(row.vectors), windows, other


def _alike(row: Model) -> bool:
    """Whether one mechanism in one shape, and at most one window, make all blocks."""
    shapes = {(kind.attention, bool(kind.feedforward)) for kind in row.kinds}
    plain = all(not (kind.sizes or kind.vectors or kind.borrows or kind.queries) for kind in row.kinds)
    windows = {kind.window for kind in row.kinds if kind.window}
    return plain and len(shapes) == 1 and len(windows) < 2 and mechanisms()[row.attention].in_words and not row.d_z


def other_blocks(row: Model, blocks, windows: str = "row") -> dict[str, object]:
    """Counts of blocks where a model has more or fewer of them: those with experts change, dense ones stay.

    Raises InputError for fewer than the dense ones, and for two kinds of attention, of which either could go.
    """
    words = in_words(row, windows)
    mixed = words["window"] and words["full"] if words else not row.grows or (row.window and windows != "full")
    if mixed:
        raise InputError(
            f"blocks={blocks}: {row.id} has blocks of two kinds of attention, and it is not said which kind goes; "
            f"leave blocks= out{', or give windows=full' if words else ''}."
        )
    dense = row.n_dec - row.n_moe if row.n_moe else 0
    if np.any(np.asarray(blocks) < dense):
        raise InputError(
            f"blocks={blocks}: {row.id} has {dense} dense blocks besides those with experts; give at least {dense}."
        )
    return {"n_dec": blocks, "n_moe": blocks - dense if row.n_moe else 0}
