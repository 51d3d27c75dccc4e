"""What reordering does to the time of an attention block: over batch and context, in prefill, and under TP."""

import numpy as np

from analysis.ask.degrees import divides_heads
from analysis.ask.setting import Setting
from analysis.derive.choices import ORDERS
from analysis.derive.symbols import BY_NAME
from analysis.files.errors import InputError
from analysis.systems.crossing import needs_two_orders
from analysis.systems.layers import attention_time, swept
from analysis.systems.memory import fits


def in_orders(setting: Setting) -> dict[str, Setting]:
    """The setting in each contraction order. Raises InputError for a model with one order."""
    needs_two_orders(setting)
    return {order: setting.with_(order=order) for order in ORDERS}


def over_batch_and_context(setting: Setting, batches: np.ndarray, contexts: np.ndarray) -> dict[str, np.ndarray]:
    """Attention-block times [s] and fits of both orders on the grid (contexts, batches), in the setting's phase.

    Keys: `speedup` (as printed over reordered), `time_*` and `fits_*` for each order. Raises InputError.
    """
    found = {}
    for order, chosen in in_orders(setting).items():
        point = swept(chosen, B=batches[None, :], L=contexts[:, None])
        found |= {f"time_{order}": attention_time(chosen, point), f"fits_{order}": fits(chosen, point)}
    return found | {"speedup": found["time_as_printed"] / found["time_reordered"]}


def prefill_slowdown(setting: Setting, contexts: np.ndarray, causal: float) -> np.ndarray:
    """Attention-block time of a prefill with reordering over without [1], one request per DP group, over contexts."""
    whole = setting.with_(phase="prefill", causal=causal, l=None, L=None)
    groups = float(setting.point[BY_NAME["deg_DP"]])
    times = {
        order: attention_time(chosen, swept(chosen, L=contexts, B=groups)) for order, chosen in in_orders(whole).items()
    }
    return times["reordered"] / times["as_printed"]


def buildable(setting: Setting, degrees: np.ndarray) -> np.ndarray:
    """The TP degrees that divide the model's heads. Raises InputError if none does."""
    row = setting.model
    kept = degrees[divides_heads(degrees, row.n_hd, row.n_kv)]
    if not len(kept):
        found = ",".join(f"{degree:.0f}" for degree in degrees)
        raise InputError(f"degrees={found}: none divides the {row.n_hd} heads of {row.id}; add a divisor.")
    return kept


def over_degrees(setting: Setting, degrees: np.ndarray, batches: np.ndarray) -> dict[str, np.ndarray]:
    """Attention-block time [s] of each order on the grid (batches, degrees).

    The requests of a group stay (B / deg_DP) while the accelerators of the group grow (n_acc = deg_TP deg_DP), so that
    a line shows what more accelerators buy. All-reduce is left out.
    """
    groups = setting.point[BY_NAME["deg_DP"]]
    sizes = {"deg_TP": degrees[None, :], "deg_DP": groups, "n_acc": degrees[None, :] * groups, "B": batches[:, None]}
    return {order: attention_time(chosen, swept(chosen, **sizes)) for order, chosen in in_orders(setting).items()}
