"""Quantities by name: from a setting to a closed form, a number, a unit and the equation that the book prints.

`evaluate("kv_bytes_per_token", model="deepseek-v3").value` is the whole interface; the command line wraps it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from analysis.ask.degrees import check_kinds
from analysis.ask.forms import watched
from analysis.ask.kept_forms import Compiled
from analysis.ask.setting import Setting
from analysis.files.errors import InputError, near, shown
from analysis.systems import quantities_model, quantities_stages, quantities_system  # noqa: F401  each registers its own
from analysis.systems.notes import notes
from analysis.systems.quantity import QUANTITIES, Quantity, number, printed, simple, whole

if TYPE_CHECKING:  # numbers of kept forms do without
    from sympy import Expr


@dataclass(frozen=True)
class Answer:
    """A quantity's value in SI units with its closed form, equation label and the conventions that were used.

    `typed` are the parameters that were given by name, `asked` those that a quantity without a form asked for. What is
    only printed (`closed_form`, `conventions`, `notes`) is made when it is asked for: loops over numbers do not wait
    for it.
    """

    quantity: str
    value: object
    unit: str
    equation: str
    beside: dict[str, object]
    setting: Setting = field(repr=False)
    typed: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()

    @cached_property
    def closed_form(self) -> "Expr | dict[str, Expr] | str":
        """The form for print, a dict of them for a breakdown, or words where no form gives the value."""
        return self._shown(lambda form, setting: simple(form.derive(), setting.numbers))

    def _shown(self, how: Callable[[Compiled, Setting], object]):
        wanted = quantity(self.quantity)
        if wanted.closed_form:
            return wanted.closed_form
        form = wanted.compiled(self.setting)
        if isinstance(form, dict):
            return {name: how(part, self.setting) for name, part in form.items()}
        return how(form, self.setting)

    @cached_property
    def conventions(self) -> dict[str, object]:
        """Every parameter as it was used, those that nobody gave included."""
        return self.setting.echo

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a reader must know beside the number.

        >>> evaluate("kv_cache_bytes", model="llama-3.1-8b", L=200_000).notes
        ('L=200000 exceeds the longest context of Llama 3.1 8B, 131072 tokens.',)
        """
        return notes(quantity(self.quantity), self.setting, self.typed, self.asked)

    @property
    def told(self) -> dict[str, object]:
        """What is printed of the answer, by name; the closed form as text."""
        return {name: self._shown(printed) if name == "closed_form" else getattr(self, name) for name in TOLD}


TOLD = ("quantity", "value", "unit", "closed_form", "equation", "beside", "conventions", "notes")


def all_quantities() -> tuple[Quantity, ...]:
    """Every quantity, in the order of definition."""
    return tuple(QUANTITIES.values())


def quantity(name: str) -> Quantity:
    """The quantity with this name. Raises InputError that names those close to it."""
    all_quantities()
    if not isinstance(name, str) or name not in QUANTITIES:
        several = "" if isinstance(name, str) else "allowed is one name; "
        raise InputError(
            f"{shown(name) or repr(name)}: there is no quantity of this name; {several or near(name, QUANTITIES)}"
            "`python -m analysis quantities` lists all."
        )
    return QUANTITIES[name]


def evaluate(name: str, setting: Setting | None = None, /, **given) -> Answer:
    """Compute a quantity in a setting (or from parameters given by name).

    Raises InputError for anything that cannot be read, is missing, or does not exist for the model.

    >>> evaluate("kv_bytes_per_token", model="deepseek-v3").value
    70272
    >>> evaluate("ridge_point", accelerator="b200-paper").value
    281.25
    """
    setting = setting or Setting.of(**given)
    wanted, (found, asked) = quantity(name), _found(name, setting)
    forms = wanted.besides(setting) | wanted.shown_beside(setting)
    beside = {label: number(form, setting) for label, form in forms.items()}
    more, also = watched(wanted.beside_values, setting)
    more = {label: _scalar(each) for label, each in more.items()}
    chosen = setting, tuple(given), frozenset(asked | also)
    return Answer(name, found, wanted.unit, wanted.label, beside | more, *chosen)


def value_of(name: str, setting: Setting):
    """The value of a quantity alone, in SI units: what `evaluate` tells, without what stands beside it.

    Raises InputError.
    """
    return _found(name, setting)[0]


def _found(name: str, setting: Setting) -> tuple[object, set[str]]:
    """The value, and the parameters that a quantity without a form asked for."""
    wanted = quantity(name)
    wanted.domain(setting)
    check_kinds(setting)
    if wanted.compute:
        found, asked = watched(wanted.compute, setting)
    else:
        found, asked = wanted.finish(number(wanted.compiled(setting), setting), setting), set()
    _refuse_beyond_numbers(name, found)
    return _scalar(found), asked


def _refuse_beyond_numbers(name: str, found) -> None:
    """Raise InputError for what is no number: some parameter is so far out that floats do not reach."""
    parts = found.values() if isinstance(found, dict) else [found]
    if not all(np.all(np.isfinite(np.asarray(part, dtype=float))) for part in parts):
        raise InputError(f"{name}: found no finite number; some parameter is beyond any machine: give usual sizes.")


def _scalar(found):
    """Arrays without axes become plain numbers."""
    return whole(float(found)) if isinstance(found, np.generic | np.ndarray) and np.ndim(found) == 0 else found
