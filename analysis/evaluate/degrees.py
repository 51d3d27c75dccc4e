"""Degrees of parallelism that can be built, refused by one sentence where they cannot."""

import numpy as np
from sympy import Symbol

from analysis.derive.symbols import BY_NAME, deg_EP, n_e, n_hd
from analysis.errors import InputError


def _divides(divisor, number) -> bool:
    return bool(np.all(np.asarray(number) % np.asarray(divisor) == 0))


def check_degrees(point: dict[Symbol, object], used: frozenset[Symbol]) -> None:
    """Refuse degrees that do not divide what they shard, as far as a quantity uses them.

    `used` are the symbols of the quantity's closed form. Raises InputError.
    """
    given = {name: point.get(BY_NAME[name]) for name in ("n_acc", "deg_TP", "deg_DP", "deg_EP", "n_hd", "n_kv", "n_e")}
    n_acc, TP, DP, EP = (given[name] for name in ("n_acc", "deg_TP", "deg_DP", "deg_EP"))
    if not np.all(np.asarray(TP) * np.asarray(DP) == np.asarray(n_acc)):
        raise InputError(
            f"deg_TP * deg_DP must equal n_acc, found {TP} * {_shown(DP)} and n_acc={n_acc}; "
            f"give for example n_acc={_shown(np.multiply(TP, np.maximum(1, DP)))} or another degree."
        )
    if not _divides(1, DP):
        raise InputError(f"deg_TP={TP}: must divide n_acc={n_acc}; give a divisor, or another n_acc.")
    if n_hd in used and not _divides(TP, given["n_hd"]):
        raise InputError(f"deg_TP={TP}: must divide the {given['n_hd']} query heads of the model; give a divisor.")
    n_kv = given["n_kv"]
    if n_kv is not None and n_hd in used and not (_divides(TP, n_kv) or _divides(n_kv, TP)):
        raise InputError(f"deg_TP={TP}: must divide the {n_kv} key-value heads of the model or be a multiple of them.")
    if deg_EP in used or (n_e in used and BY_NAME["n_acc"] in used):
        _check_experts(EP, n_acc, given["n_e"])


def _check_experts(EP, n_acc, experts) -> None:
    if not _divides(EP, n_acc):
        raise InputError(
            f"deg_EP={_shown(EP)}: must divide n_acc={n_acc} so that whole groups hold the experts; give a divisor."
        )
    if experts is not None and not _divides(EP, experts):
        raise InputError(
            f"deg_EP={_shown(EP)} (by default n_acc): must divide the {experts} routed experts of the model; "
            f"give deg_EP= as a divisor of {experts}."
        )


def _shown(number) -> str:
    return f"{number:g}" if np.ndim(number) == 0 else str(number)
