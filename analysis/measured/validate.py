"""Measured over predicted time, by operation, accelerator and regime."""

from dataclasses import asdict, dataclass, field
from functools import cache, cached_property

import numpy as np
import pyarrow as pa

from analysis.measured.kernel_files import fitted, load, published
from analysis.measured.kernel_rows import SHAPE
from analysis.measured.predict import Prediction, kinds, numbers, predict, words
from analysis.measured.regimes import REGIMES, beats_datasheet, judges_bandwidth, regimes

WITHIN = (0.10, 0.25)
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
    name = f"{kind['mechanism']} {'decompression ' if kind['operation'] == 'decompression' else ''}{phase}"
    return f"{name}, {ORDER_WORDS[kind['order']]}" if kind["order"] else name


def groups(compared: Compared) -> list[Group]:
    """Statistics of each operation on each accelerator, over all regimes and by regime."""
    found = []
    for operation in dict.fromkeys(compared.operation):
        for accelerator in dict.fromkeys(compared.accelerator[compared.operation == operation]):
            rows = (compared.operation == operation) & (compared.accelerator == accelerator)
            found.append(_group(operation, accelerator, "all", compared.ratio[rows]))
            split = [(regime, compared.ratio[rows & (compared.regime == regime)]) for regime in REGIMES]
            found += [_group(operation, accelerator, regime, ratio) for regime, ratio in split if len(ratio)]
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


def report(compared: Compared, count: int = 5) -> dict:
    """Everything that `validate` prints: groups, worst rows, and how many rows could not judge or broke the data
    sheet.
    """
    return {
        "rows": len(compared.table),
        "faster than the data sheet": int(beats_datasheet(compared.table, compared.prediction).sum()),
        "bytes above 400 MB": int(judges_bandwidth(compared.prediction).sum()),
        "groups": [asdict(group) for group in groups(compared)],
        "worst": worst(compared, count),
    }
