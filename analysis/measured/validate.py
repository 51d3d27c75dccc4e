"""Measured over predicted time, by operation, accelerator and regime."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
import pyarrow as pa

from analysis.measured.kernel_files import fitted, joined, load, load_batches, published
from analysis.measured.kernel_rows import SHAPE
from analysis.measured.predict import Prediction, kinds, numbers, predict, words
from analysis.measured.regimes import REGIMES, regimes

WITHIN = (0.10, 0.25)
PARTS = {
    "decompression": "decompression ",
    "index": "index ",
    "select": "selection ",
    "state_step": "state ",
    "state_prompt": "state in chunks ",
}
"""Operations of a mechanism beside its core, in words."""
ORDER_WORDS = {"as_printed": "without reordering", "reordered": "with reordering"}


@dataclass(frozen=True)
class Compared:
    """A measurement table beside its prediction; arrays have one entry per row."""

    table: pa.Table
    prediction: Prediction

    @cached_property
    def latency(self) -> np.ndarray:
        """Measured time [s]."""
        return numbers(self.table, "latency")

    @cached_property
    def ratio(self) -> np.ndarray:
        """Measured over predicted time [1]."""
        return self.latency / self.prediction.time

    @cached_property
    def regime(self) -> np.ndarray:
        """What limits each row, by the prediction."""
        return regimes(self.table, self.prediction)

    @cached_property
    def operation(self) -> np.ndarray:
        """Each row's operation in words, as `MLA decode, with reordering`."""
        return operation_words(self.table)

    @cached_property
    def accelerator(self) -> np.ndarray:
        """Each row's accelerator."""
        return words(self.table, "accelerator")

    def rows(self, chosen: np.ndarray) -> "Compared":
        """The chosen rows (mask or indices)."""
        index = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        prediction = {name: array[index] for name, array in vars(self.prediction).items()}
        return Compared(self.table.take(pa.array(index)), Prediction(**prediction))


def together(parts: list[Compared]) -> Compared:
    """Parts one after another, with the predictions that they have: a machine's own roofs are in them."""
    table = joined([part.table for part in parts])
    found = [predict(table)] if not parts else [part.prediction for part in parts]
    names = Prediction.__dataclass_fields__
    return Compared(table, Prediction(**{name: np.concatenate([getattr(p, name) for p in found]) for name in names}))


@dataclass(frozen=True)
class Group:
    """Measured over predicted time of rows that belong together."""

    operation: str
    accelerator: str
    regime: str
    count: int
    median: float
    low: float
    high: float
    within: dict[str, float] = field(default_factory=dict)


def compare(path=None, roofs=None) -> Compared:
    """Predict every row of a measurement file, or of the published figures that the study quotes.

    `roofs` gives P_acc and BW_mem of machines without a data sheet. Raises InputError.
    """
    table = load(path) if path else published()
    return Compared(table, predict(table, roofs))


def compare_parts(path, roofs=None) -> Iterator[Compared]:
    """`compare` of a file part by part, so that a file of any size fits; without a file, of the published figures."""
    if path is None:
        yield compare()
        return
    for table in load_batches(path):
        yield Compared(table, predict(table, roofs))


@cache
def to_fit() -> Compared:
    """The rows that the published calibration is fitted to or tested on, beside their predictions."""
    return Compared(fitted(), predict(fitted()))


def operation_words(table: pa.Table) -> np.ndarray:
    """The operation of every row in words, decode and prefill told apart."""
    decode = np.nan_to_num(numbers(table, "l"), nan=1) == 1
    found = np.empty(len(table), dtype=object)
    for kind, part in kinds(table, ("operation", "mechanism", "order", "link_between")):
        for phase, chosen in (("decode", part[decode[part]]), ("prefill", part[~decode[part]])):
            found[chosen] = _words(kind, phase)
    return found


def _words(kind: dict, phase: str) -> str:
    if kind["operation"] in ("dispatch", "combine"):
        return f"{kind['operation']}, {'between nodes' if kind['link_between'] else 'one fabric'}"
    if kind["mechanism"] is None:
        return kind["operation"]
    name = f"{kind['mechanism']} {PARTS.get(kind['operation'], '')}{phase}"
    return f"{name}, {ORDER_WORDS[kind['order']]}" if kind["order"] else name


class Tally:
    """Numbers of rows that come part by part, by operation, accelerator and regime; kept as 4 bytes each."""

    def __init__(self):
        self._parts: dict[tuple[str, str], dict[str, list[np.ndarray]]] = {}

    def add(self, operation: np.ndarray, accelerator: np.ndarray, regime: np.ndarray, number: np.ndarray) -> None:
        """Add a part: three words and a number a row."""
        for name in dict.fromkeys(operation):
            for device in dict.fromkeys(accelerator[operation == name]):
                on = (operation == name) & (accelerator == device)
                kept = self._parts.setdefault((str(name), str(device)), {})
                for each in dict.fromkeys(regime[on]):
                    kept.setdefault(str(each), []).append(number[on & (regime == each)].astype(np.float32))

    def split(self, regimes: tuple[str, ...]) -> Iterator[tuple[str, str, dict[str, np.ndarray]]]:
        """Operation, accelerator, and the numbers of each regime that has any, in the order asked for."""
        for (operation, accelerator), kept in self._parts.items():
            found = {name: np.concatenate(kept[name]) for name in regimes if name in kept}
            yield operation, accelerator, found


def groups(*parts: Compared) -> list[Group]:
    """Statistics of each operation on each accelerator, over all regimes and by regime."""
    tally = Tally()
    for compared in parts:
        tally.add(compared.operation, compared.accelerator, compared.regime, compared.ratio)
    return groups_of(tally)


def groups_of(tally: Tally) -> list[Group]:
    """Statistics of the ratios of a tally."""
    found = []
    for operation, accelerator, split in tally.split(REGIMES):
        found.append(_group(operation, accelerator, "all", np.concatenate(list(split.values()))))
        found += [_group(operation, accelerator, regime, ratio) for regime, ratio in split.items()]
    return found


def _group(operation: str, accelerator: str, regime: str, ratio: np.ndarray) -> Group:
    low, median, high = np.percentile(ratio, [5, 50, 95])
    within = {f"{limit:.0%}": float(np.mean(np.abs(ratio - 1) <= limit)) for limit in WITHIN}
    return Group(operation, accelerator, regime, len(ratio), float(median), float(low), float(high), within)


def worst(compared: Compared, count: int = 5) -> list[dict]:
    """The rows whose measured time is furthest from the prediction among those that are not launch-bound."""
    counted = np.flatnonzero(compared.regime != "launch-bound")
    order = counted[np.argsort(-np.abs(np.log(compared.ratio[counted])), kind="stable")][:count]
    return [_described(compared, int(row)) for row in order]


def _described(compared: Compared, row: int) -> dict:
    cells = compared.table.slice(row, 1).to_pylist()[0]
    names = [*SHAPE[: SHAPE.index("width_weights")], "tokens"]
    shape = " ".join(
        f"{name}={cells[name]:g}" for name in names if cells[name] is not None and (name, cells[name]) != ("causal", 1)
    )
    return {
        "operation": compared.operation[row],
        "accelerator": cells["accelerator"],
        "regime": compared.regime[row],
        "shape": shape,
        "measured": float(compared.latency[row]),
        "predicted": float(compared.prediction.time[row]),
        "ratio": float(compared.ratio[row]),
        "kernel": cells["kernel"],
    }
