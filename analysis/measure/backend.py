"""What timing needs from numpy or PyTorch: arrays for a case, kernels that run it, and a clock."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from analysis.measure.cases import Case
from analysis.measure.layouts import Arrays

Run = Callable[[], Arrays]


@dataclass(frozen=True)
class Kernel:
    """A way to run a case: its name with version, which lines it runs together, and how to set it up on arrays.

    `prepare` returns a function without arguments that does the work once and returns the output arrays.
    """

    name: str
    grouping: str
    prepare: Callable[[Arrays], Run]


class Backend(Protocol):
    """A device with a library that drives it."""

    room: float
    """Bytes that the arrays of a case may take."""

    def allocate(self, case: Case) -> dict[str, Any]:
        """Random input arrays, laid out as `layouts` says."""

    def kernels(self, case: Case) -> list[Kernel]:
        """Every kernel that may run the case; one that the device lacks raises `unsupported` when it is run."""

    def once(self, run: Run) -> float:
        """Seconds that one run takes."""

    def as_float64(self, array: Any) -> np.ndarray:
        """An array as numpy's float64."""

    def release(self) -> None:
        """Give freed memory back to the device."""

    unsupported: tuple[type[Exception], ...]
    """Exceptions that say a kernel cannot run here."""


def entries(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Bounds of random entries, so that scores and products stay near one: weights and queries shrink with their rows.

    Their mean is not zero, which keeps long sums away from cancelling. A state forgets a few per cent a token.

    >>> entries("Q", (2, 64)), entries("K", (2, 64))
    ((-0.03125, 0.09375), (-0.25, 0.75))
    """
    if name == "decay":
        return 0.98, 1.0
    scale = max(shape[-1:]) ** -0.5 if name[0] in "QW" or name == "Keys" else 1.0
    return -0.25 * scale, 0.75 * scale
