"""Does a batch fit the memory of the accelerators? Weights as built, cache, and the activations of one block."""

from collections.abc import Mapping

from sympy import Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.capacity import memory_used
from analysis.derive.symbols import M_cap, n_acc


def memory_per_accelerator(setting: Setting, point: Mapping[Symbol, object]):
    """Bytes that one accelerator stores, over arrays [byte]; replicas that TP and DP make are counted (Eq. 11)."""
    used = memory_used(setting.architecture, setting.conventions, layout=setting.layout)
    return value(used / n_acc, point)


def fits(setting: Setting, point: Mapping[Symbol, object]):
    """Whether the weights, the cache and the activations of one block fit each accelerator, over arrays.

    The contraction order matters: as printed, the decompressed keys and values of one block are stored too.
    Raises InputError for a symbol that the point does not give.
    """
    return memory_per_accelerator(setting, point) <= value(M_cap, point)
