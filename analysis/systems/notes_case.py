"""What a note speaks of: a quantity in a setting, and the words for values at which something holds."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.effects import used, without_effect
from analysis.systems.quantity import Quantity

STEP_TIMES = ("tpot", "tpot_terms", "throughput", "throughput_per_accelerator")


@dataclass(frozen=True)
class Case:
    """A quantity in a setting; `typed` are the parameters that the reader gave by name, `asked` those it asked for."""

    wanted: Quantity
    setting: Setting
    typed: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()

    @cached_property
    def used(self) -> frozenset[str]:
        """Symbols that the number depends on."""
        return used(self.wanted, self.setting)

    def at(self, symbol: str):
        """The value of a symbol that the number depends on, by name, else None."""
        return self.setting.numbers.get(symbol) if symbol in self.used else None

    def row(self, column: str):
        """A column of the model's row, where the number depends on a model that has it, else None."""
        found = getattr(self.setting.model, column, None) if "model" in self.setting.given else None
        idle = found and without_effect(self.wanted, self.setting, ["model"], self.asked)
        return None if idle else found

    @property
    def served(self) -> bool:
        """Whether the setting describes a system that serves: of the whole model, or with its accelerators counted."""
        named = {"model", "accelerator"} <= set(self.setting.given) and self.setting["L"] is not None
        return named and ("n_dec" in self.used or "n_acc" in self.setting.given)

    @cached_property
    def cap(self):
        """B_cap [requests], rounded as the setting says; None where the setting describes no system."""
        try:
            return system.B_cap_value(self.setting) if self.served else None
        except InputError:
            return None


def shown(given) -> str:
    """A value, or several, as a reader types them."""
    if np.ndim(given):
        return ",".join(map(shown, np.asarray(given).tolist()))
    return given if isinstance(given, str) else f"{float(given):.15g}"


def some(given, where) -> str:
    """The first of the values at which something holds."""
    return f"{float(np.broadcast_to(given, np.shape(where))[where][0]):.6g}"


def which(name: str, given, where) -> str:
    """A parameter's value at which something holds, and of how many values it is one."""
    count, size = int(np.sum(where)), np.size(where)
    several = f" ({'the first of ' if count > 1 else ''}{count} of {size} values)" if size > 1 else ""
    return f"{name}={some(given, where)}{several}"


def gb(number: float) -> str:
    """Bytes in words."""
    return f"{number / 1e9:.4g} GB"


def percents(share) -> str:
    """Shares as a percentage, or their span."""
    least, most = (f"{100 * each:.2g}" for each in (np.min(share), np.max(share)))
    return f"{least} %" if least == most else f"{least} to {most} %"
