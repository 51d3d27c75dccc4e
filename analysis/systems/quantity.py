"""What a quantity is: a named result with its closed form in a setting, and the registry of all of them.

`quantities_model`, `quantities_stages` and `quantities_system` define them, `quantities` evaluates them. Scope: totals
are per model; core attention, decompression and block time per block and accelerator; expert intensity per expert. Axes
are those of one accelerator (`analysis.derive.parallel.sharded`).

Sympy is imported late: numbers of kept forms do without.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analysis import derive
from analysis.ask.degrees import check_degrees
from analysis.ask.forms import derived
from analysis.ask.kept_forms import Compiled, Forms, compiled
from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.files.kept import kept

if TYPE_CHECKING:  # numbers of kept forms do without
    from sympy import Expr


@dataclass(frozen=True)
class Quantity:
    """A named result: its closed form in a setting, and further forms worth seeing beside it.

    `expression` gives one closed form, or a dict of them by name (a breakdown), `finish` rounds its value. `compute`
    finds a number that no form's value is (bisection, simulation); `closed_form` says so in words. `uses` is the form
    that it then searches, over `sought`. `beside_forms` are further forms by name, shown where all their symbols have
    numbers, `beside_values` numbers without a form. `domain` refuses settings in which the quantity does not exist.
    """

    name: str
    title: str
    unit: str
    expression: "Callable[[Setting], Expr | dict[str, Expr]] | None" = None
    beside: "Mapping[str, Callable[[Setting], Expr]]" = field(default_factory=dict)
    domain: Callable[[Setting], None] = lambda setting: None
    compute: Callable[[Setting], object] | None = None
    finish: Callable[[object, Setting], object] = lambda found, setting: found
    closed_form: str = ""
    uses: "Callable[[Setting], Expr] | None" = None
    sought: frozenset[str] = frozenset()
    of_block: bool = False  # of one block and its attention
    beside_forms: "Callable[[Setting], dict[str, Expr]] | None" = None
    beside_values: Callable[[Setting], dict[str, object]] = lambda setting: {}

    @property
    def label(self) -> str:
        """The label of the quantity's equation in the book."""
        return "eq-" + self.name.lower().replace("_", "-")

    def form(self, setting: Setting) -> "Expr | dict[str, Expr]":
        """The closed form in a setting, derived once."""
        return derived(self.expression, setting)

    def compiled(self, setting: Setting) -> Forms:
        """The closed form in a setting, compiled."""
        return compiled(self.expression, setting, self.name)

    def behind(self, setting: Setting) -> list[Compiled]:
        """Every form that the number follows from, or is searched over, and those beside it."""
        forms = [compiled(self.uses, setting, f"{self.name}, searched")] if self.uses else []
        forms += [self.compiled(setting)] if self.expression and not self.uses else []
        return [part for form in [*forms, *self.besides(setting).values()] for part in parts(form)]

    def besides(self, setting: Setting) -> dict[str, Compiled]:
        """The forms worth seeing beside the number, by what they are called."""
        return {label: compiled(each, setting, f"{self.name}, {label}") for label, each in self.beside.items()}

    def shown_beside(self, setting: Setting) -> dict[str, Compiled]:
        """Further forms of this setting by name, of which every symbol has a number."""
        found = compiled(self.beside_forms, setting, f"{self.name}, beside") if self.beside_forms else {}
        return {label: each for label, each in found.items() if set(each.symbols) <= set(setting.numbers)}


QUANTITIES: dict[str, Quantity] = {}


def define(name: str, title: str, unit: str, expression=None, **more) -> None:
    """Add a quantity to the registry."""
    QUANTITIES[name] = Quantity(name, title, unit, expression, **more)


def parts(form: Forms) -> list[Compiled]:
    """A form, or those of a breakdown."""
    return list(form.values()) if isinstance(form, dict) else [form]


def number(form: Forms, setting: Setting):
    """A closed form's value; exact integers where the point is a single one and the form stays whole."""
    if isinstance(form, dict):
        return {name: number(part, setting) for name, part in form.items()}
    numbers = setting.numbers
    check_degrees(numbers, form.symbols)
    arrays = any(isinstance(numbers.get(name), np.ndarray) for name in form.symbols)
    if not arrays and form.polynomial and all(name in numbers for name in form.symbols):
        return form.exact(numbers)
    found = form.value(numbers)
    return found if arrays else whole(float(found))


def whole(found: float) -> int | float:
    """Counts print as integers as long as floats hold them exactly."""
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def simple(form: "Expr", numbers: Mapping[str, object]) -> "Expr":
    """The closed form for print: conventions that are 1 in this setting are left out, the rest stay symbols."""
    from sympy import Integer, Max

    by_name = derive.symbols.BY_NAME
    ones = dict.fromkeys((by_name[name] for name in _ones(numbers)), Integer(1))
    return form.xreplace(ones).xreplace({Max(1, by_name["n_kv"]): by_name["n_kv"]})


def _ones(numbers: Mapping[str, object]) -> list[str]:
    """Symbols of conventions that are 1."""
    names = ("causal", "Gamma_imb", "S_passes", "n_acc", "deg_TP", "deg_DP", "deg_EP", "deg_ETP", "l")
    values = {name: numbers.get(name) for name in names}
    return [name for name, given in values.items() if np.ndim(given) == 0 and given == 1]


def printed(form: Compiled, setting: Setting) -> str:
    """`simple` as text, kept between processes: to simplify a form takes longer than to derive it."""
    used = [name for name in _ones(setting.numbers) if name in form.symbols]
    key = f"{form.digest} with {used} as 1"
    return kept(key, lambda: str(simple(form.derive(), setting.numbers)), "analysis/systems/quantity.py")


# -- what a quantity may ask of a setting ----------------------------------------------------------
def needs_experts(setting: Setting) -> None:
    """Refuse models without experts."""
    if not setting.has_experts:
        raise InputError(
            f"model={setting.model.id}: has no routed experts, so this quantity does not exist for it; "
            "choose a mixture-of-experts model (`python -m analysis models` lists them)."
        )


def needs_model(setting: Setting) -> None:
    """Refuse settings without a model."""
    _ = setting.model


def needs_accelerator(setting: Setting) -> None:
    """Refuse settings without an accelerator."""
    _ = setting.accelerator
