"""What limits a row, judged from the prediction alone, and which rows can judge bandwidth."""

import numpy as np
import pyarrow as pa

from analysis.measured.predict import Prediction, numbers, words

LAUNCH_FLOORS = {
    "core_attention": 15e-6,
    "decompression": 15e-6,
    "index": 15e-6,
    "select": 15e-6,
    "state_step": 15e-6,
    "state_prompt": 15e-6,
    "experts": 80e-6,
    "dispatch": 15e-6,
    "combine": 15e-6,
    "all_reduce": 15e-6,
    "gemm": 10e-6,
    "read": 10e-6,
    "copy": 10e-6,
}
"""Time [s] below which an operation mostly launches kernels: where the sources' shortest rows level off."""

JUDGES_BANDWIDTH = 400e6
"""Bytes above which a row judges memory bandwidth: several times the largest L2, which the sources do not flush."""

RIDGE_BAND = 2.0
"""A row is near the ridge when arithmetic and traffic take times within this factor of each other."""

REGIMES = ("launch-bound", "memory-bound", "near the ridge", "compute-bound", "link-bound")


def regimes(table: pa.Table, prediction: Prediction) -> np.ndarray:
    """The regime of every row: launch-bound where the predicted time is below the operation's launch floor, else by
    the ratio of arithmetic to traffic time; exchanges are link-bound."""
    floors = np.array([LAUNCH_FLOORS[name] for name in words(table, "operation")])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = prediction.compute / prediction.memory
    found = np.select(
        [prediction.time < floors, prediction.wire > 0, ratio > RIDGE_BAND, ratio >= 1 / RIDGE_BAND],
        ["launch-bound", "link-bound", "compute-bound", "near the ridge"],
        "memory-bound",
    )
    return found.astype(object)


def judges_bandwidth(prediction: Prediction) -> np.ndarray:
    """Whether each row moves enough bytes to judge memory bandwidth, caches not helping."""
    return prediction.bytes > JUDGES_BANDWIDTH


def beats_datasheet(table: pa.Table, prediction: Prediction) -> np.ndarray:
    """Rows that are faster than the data sheet allows: a fault of the row, not a discovery.

    Exchanges are not judged, since Eq. 13 is no lower bound: it counts copies that stay at home, and one per expert
    where a kernel may send one per accelerator.
    """
    return (numbers(table, "latency") < prediction.time) & (prediction.wire == 0)
