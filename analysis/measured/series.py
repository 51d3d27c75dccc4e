"""Measured rows arranged in pairs and series that differ in one thing: heads, order, tokens, message size."""

import numpy as np

from analysis.derive.attention import MLA
from analysis.derive.symbols import BW_out
from analysis.measured.devices import link_point
from analysis.measured.predict import kinds, numbers, words
from analysis.measured.validate import Compared, compare

RISE = 1.5
"""Growth over the floor at which time has left it: every series passes it, and a roofline does at 1.5 knees."""


def decode(compared: Compared, *mechanisms: str) -> Compared:
    """Decode rows of the mechanisms' core attention."""
    chosen = np.isin(words(compared.table, "mechanism").astype(str), mechanisms) & (numbers(compared.table, "l") == 1)
    return compared.rows(chosen)


def _by_accelerator(compared: Compared) -> dict[str, Compared]:
    return {str(name): compared.rows(compared.accelerator == name) for name in dict.fromkeys(compared.accelerator)}


def tensor_parallel_speedups(compared: Compared | None = None) -> dict[str, dict[str, np.ndarray]]:
    """Time with 128 heads over time with 16 (deg_TP 8), reordered MLA decode: per accelerator, arrays over (B, L).

    Keys: B, L, measured, predicted. Rows that are launch-bound at 16 heads are left out.
    """
    latent = decode(compared or compare(), MLA.name)
    return {name: _paired_heads(rows) for name, rows in _by_accelerator(latent).items()}


def _paired_heads(rows: Compared) -> dict[str, np.ndarray]:
    key = {h: _index(rows, numbers(rows.table, "n_hd") == h, "B", "L") for h in (16, 128)}
    pairs = [
        (a, key[128][shape]) for shape, a in key[16].items() if shape in key[128] and rows.regime[a] != "launch-bound"
    ]
    few, many = (np.array(side) for side in zip(*pairs, strict=True))
    return {
        "B": numbers(rows.table, "B")[few],
        "L": numbers(rows.table, "L")[few],
        "measured": rows.latency[many] / rows.latency[few],
        "predicted": rows.prediction.time[many] / rows.prediction.time[few],
    }


def _index(rows: Compared, chosen: np.ndarray, *names: str) -> dict[tuple, int]:
    columns = [numbers(rows.table, name) for name in names]
    return {tuple(column[i] for column in columns): int(i) for i in np.flatnonzero(chosen)}


def prefill_ratios(compared: Compared | None = None) -> dict[str, np.ndarray]:
    """Core of MLA prefill: time with over without reordering, measured; FLOP ratio; arrays over (B, L)."""
    compared = compared or compare()
    rows = compared.rows(np.nan_to_num(numbers(compared.table, "l"), nan=1) > 1)
    order = words(rows.table, "order")
    key = {name: _index(rows, order == name, "B", "L") for name in ("as_printed", "reordered")}
    shapes = sorted(set(key["as_printed"]) & set(key["reordered"]))
    printed, reordered = (np.array([key[name][shape] for shape in shapes]) for name in ("as_printed", "reordered"))
    return {
        "B": np.array([s[0] for s in shapes]),
        "L": np.array([s[1] for s in shapes]),
        "measured": rows.latency[reordered] / rows.latency[printed],
        "flops": rows.prediction.flops[reordered] / rows.prediction.flops[printed],
    }


def rising_point(tokens: np.ndarray, time: np.ndarray, rise: float = RISE) -> float:
    """Tokens per expert at which time is `rise` times what reading the experts once takes, by log-linear interpolation.

    The floor is the time at the fewest tokens given. nan if never reached.

    >>> round(rising_point(np.array([1.0, 100.0, 400.0]), np.array([1.0, 1.0, 4.0])))
    150
    """
    above = np.flatnonzero(time >= rise * time[0])
    if not len(above):
        return float("nan")
    high = int(above[0])
    share = np.log(rise * time[0] / time[high - 1]) / np.log(time[high] / time[high - 1])
    return float(np.exp(np.log(tokens[high - 1]) + share * np.log(tokens[high] / tokens[high - 1])))


def expert_series(compared: Compared | None = None) -> dict[str, dict[str, np.ndarray]]:
    """Time of the routed experts against tokens per expert, once all are reached: measured and predicted [s].

    One entry per accelerator and shape; keys tokens_per_expert, measured, predicted.
    """
    compared = compared or compare()
    rows = compared.rows(words(compared.table, "operation") == "experts")
    per_expert = numbers(rows.table, "tokens") * numbers(rows.table, "n_k") / numbers(rows.table, "n_e")
    names = np.array(
        [
            _series_name(*cells)
            for cells in zip(
                rows.accelerator, *(numbers(rows.table, name) for name in ("n_e", "d_MoE", "deg_EP")), strict=True
            )
        ]
    )
    found = {}
    for name in dict.fromkeys(names):
        part = np.flatnonzero((names == name) & (per_expert >= 1))
        part = part[np.argsort(per_expert[part])]
        found[str(name)] = {
            "tokens_per_expert": per_expert[part],
            "measured": rows.latency[part],
            "predicted": rows.prediction.time[part],
        }
    return found


def _series_name(accelerator: str, n_e: float, d_MoE: float, deg_EP: float) -> str:
    return f"{accelerator}, {n_e:g} experts of {d_MoE:g}, deg_EP {deg_EP:g}"


def exchanges(compared: Compared) -> Compared:
    """Rows of dispatch and combine."""
    return compared.rows(np.isin(words(compared.table, "operation").astype(str), ("dispatch", "combine")))


def exchange_series(rows: Compared) -> list[np.ndarray]:
    """Rows that differ in their tokens only."""
    keys = list(
        zip(rows.operation, rows.accelerator, words(rows.table, "kernel"), numbers(rows.table, "deg_EP"), strict=True)
    )
    return [np.array([i for i, key in enumerate(keys) if key == one]) for one in dict.fromkeys(keys)]


def fabric(rows: Compared, row: int) -> str:
    """The slowest link of an exchange, and the accelerators that it joins."""
    cells = rows.table.slice(int(row), 1).to_pylist()[0]
    return f"{cells['link_between'] or cells['link']}, {cells['accelerator']}"


def one_level_time(rows: Compared) -> np.ndarray:
    """Time of exchanges between nodes [s] if every copy crossed the slow link, as Eq. 13 with one bandwidth says;
    else nan.
    """
    found = np.full(len(rows.latency), np.nan)
    for kind, part in kinds(rows.table, ("link_between",)):
        if kind["link_between"]:
            found[part] = rows.prediction.wire_bytes[part] / link_point(kind["link_between"], BW_out)[BW_out]
    return found
