"""Which accelerator holds which expert, as a share matrix.

share[i, a] is the part of expert i's tokens that accelerator a works on; rows sum to 1. With it every load is one
product, loads @ share, replicated experts included.
"""

import numpy as np

from analysis.files.errors import InputError
from analysis.routing import inputs


def contiguous(n_e: int, n_acc: int) -> np.ndarray:
    """Neighbours in popularity share an accelerator: the worst case, the hottest experts together."""
    return _one_hot(np.arange(n_e) * n_acc // n_e, n_acc)


def strided(n_e: int, n_acc: int) -> np.ndarray:
    """Expert i on accelerator i mod n_acc: the hottest experts apart, no load measured."""
    return _one_hot(np.arange(n_e) % n_acc, n_acc)


def shuffled(n_e: int, n_acc: int, seed: int = 0) -> np.ndarray:
    """Experts in a random order: a router whose expert numbers say nothing about popularity."""
    return contiguous(n_e, n_acc)[np.random.default_rng(seed).permutation(n_e)]


def longest_first(load: np.ndarray, n_acc: int) -> np.ndarray:
    """Longest processing time: hottest first, each to the least loaded accelerator with room.

    Every accelerator holds equally many experts (to within one), since memory is what they share out.
    """
    return _one_hot(_pack(load, n_acc), n_acc)


def replicated(load: np.ndarray, n_acc: int, copies: int | None = None) -> np.ndarray:
    """Extra slots for the experts that are hottest per copy; tokens split evenly over copies, slots packed by load.

    copies: extra slots in all; default one on each accelerator. Two copies of an expert may land together where that
    balances better; the second slot is then spent for nothing, as a greedy packer spends it.
    """
    n_e = len(load)
    owner = np.repeat(np.arange(n_e), _copy_counts(load, _copies(n_e, n_acc, copies), n_acc))
    split = 1 / np.bincount(owner)[owner]
    share = np.zeros((n_e, n_acc))
    np.add.at(share, (owner, _pack(load[owner] * split, n_acc)), split)
    return share


def _copies(n_e: int, n_acc: int, copies: int | None) -> int:
    most = n_e * (n_acc - 1)
    copies = min(n_acc, most) if copies is None else inputs.whole("copies", copies, low=0)
    if not n_acc - n_e <= copies <= most:
        raise InputError(
            f"routing: copies={copies} do not suit n_e={n_e} experts on n_acc={n_acc} accelerators, "
            f"give {max(1, n_acc - n_e)} to {most}"
        )
    return copies


def _copy_counts(load: np.ndarray, copies: int, n_acc: int) -> np.ndarray:
    """Slots of each expert, [n_e]; more copies than accelerators would be idle."""
    counts = np.ones(len(load), dtype=int)
    for _ in range(copies):
        counts[np.argmax(np.where(counts < n_acc, load / counts, -1))] += 1
    return counts


def _pack(load: np.ndarray, n_acc: int) -> np.ndarray:
    """Accelerator of each slot, [slots], filled greedily from the heaviest slot down."""
    least, spare = divmod(len(load), n_acc)
    busy, held = np.zeros(n_acc), np.zeros(n_acc, dtype=int)
    where = np.empty(len(load), dtype=int)
    for slot in np.argsort(-load, kind="stable"):
        room = least + (np.sum(held > least) < spare)
        where[slot] = chosen = np.argmin(np.where(held < room, busy, np.inf))
        busy[chosen] += load[slot]
        held[chosen] += 1
    return where


def _one_hot(where: np.ndarray, n_acc: int) -> np.ndarray:
    return np.eye(n_acc)[where]


_MAKERS = {
    "contiguous": lambda load, n_acc, seed, copies: contiguous(len(load), n_acc),
    "strided": lambda load, n_acc, seed, copies: strided(len(load), n_acc),
    "shuffled": lambda load, n_acc, seed, copies: shuffled(len(load), n_acc, seed),
    "lpt": lambda load, n_acc, seed, copies: longest_first(load, n_acc),
    "replicated": lambda load, n_acc, seed, copies: replicated(load, n_acc, copies),
}
PLACEMENTS = tuple(_MAKERS)


def share_matrix(placement: str, load, n_acc: int, seed: int = 0, copies: int | None = None) -> np.ndarray:
    """Part of each expert's tokens that each accelerator works on, [n_e, n_acc], rows summing to 1.

    placement: contiguous, strided, shuffled (by `seed`), lpt (longest processing time first), replicated (with
    `copies` extra slots). load: [n_e] expected tokens, read by lpt and replicated alone. Raises InputError for an
    unknown placement, more accelerators than experts (unless replicated), copies without replicated.

    >>> share_matrix("strided", [3, 2, 1, 1], 2).astype(int).tolist()
    [[1, 0], [0, 1], [1, 0], [0, 1]]
    >>> share_matrix("replicated", [6, 1, 1], 2, copies=1).tolist()
    [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]
    """
    maker = _MAKERS[inputs.one_of("placement", placement, PLACEMENTS)]
    load, n_acc = np.asarray(load, dtype=float), inputs.whole("n_acc", n_acc)
    if placement != "replicated":
        _refuse_copies(placement, copies)
        _refuse_idle(len(load), n_acc)
    return maker(load, n_acc, inputs.whole("seed", seed, low=0), copies)


def _refuse_copies(placement: str, copies) -> None:
    if copies is not None:
        raise InputError(
            f"routing: copies={copies} means nothing to placement={placement}, "
            "leave copies out or give placement=replicated"
        )


def _refuse_idle(n_e: int, n_acc: int) -> None:
    if n_acc > n_e:
        raise InputError(
            f"routing: n_acc={n_acc} accelerators exceed n_e={n_e} experts, "
            f"give n_acc from 1 to {n_e} or placement=replicated"
        )
