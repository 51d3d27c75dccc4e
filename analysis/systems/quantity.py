"""What a quantity is: a named result with its closed form in a setting, and the registry of all of them.

`quantities_block` and `quantities_system` define them, `quantities` evaluates them. Scope: totals are per model; core
attention, decompression and block time per block and accelerator; expert intensity per expert. Axes are those of one
accelerator (`analysis.derive.parallel.sharded`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import sympy
from sympy import Expr, Integer, Max, Symbol, srepr

from analysis.ask.degrees import check_degrees
from analysis.ask.forms import derived, is_polynomial, symbols_of
from analysis.ask.numbers import exact, value
from analysis.ask.setting import Setting
from analysis.derive.symbols import BY_NAME, n_kv
from analysis.files.errors import InputError
from analysis.files.kept import kept


@dataclass(frozen=True)
class Quantity:
    """A named result: its closed form in a setting, and further forms worth seeing beside it.

    `expression` gives one closed form, or a dict of them by name (a breakdown), `finish` rounds its value. `compute`
    finds a number that no form's value is (bisection, simulation); `closed_form` says so in words. `uses` is the form
    that it then searches, over `sought`. `beside_values` are further numbers without a form. `domain` refuses settings
    in which the quantity does not exist.
    """

    name: str
    title: str
    unit: str
    expression: Callable[[Setting], Expr | dict[str, Expr]] | None = None
    beside: Mapping[str, Callable[[Setting], Expr]] = field(default_factory=dict)
    domain: Callable[[Setting], None] = lambda setting: None
    compute: Callable[[Setting], object] | None = None
    finish: Callable[[object, Setting], object] = lambda found, setting: found
    closed_form: str = ""
    uses: Callable[[Setting], Expr] | None = None
    sought: frozenset[Symbol] = frozenset()
    of_block: bool = False  # of one block and its attention
    beside_values: Callable[[Setting], dict[str, object]] = lambda setting: {}

    @property
    def label(self) -> str:
        """The label of the quantity's equation in the book."""
        return "eq-" + self.name.lower().replace("_", "-")

    def form(self, setting: Setting) -> Expr | dict[str, Expr]:
        """The closed form in a setting, derived once."""
        return derived(self.expression, setting)


QUANTITIES: dict[str, Quantity] = {}


def define(name: str, title: str, unit: str, expression=None, **more) -> None:
    """Add a quantity to the registry."""
    QUANTITIES[name] = Quantity(name, title, unit, expression, **more)


def number(form: Expr | dict[str, Expr], point: dict[Symbol, object]):
    """A closed form's value; exact integers where the point is a single one and the form stays whole."""
    if isinstance(form, dict):
        return {name: number(part, point) for name, part in form.items()}
    check_degrees(point, symbols_of(form))
    arrays = any(isinstance(point.get(symbol), np.ndarray) for symbol in symbols_of(form))
    if not arrays and is_polynomial(form) and symbols_of(form) <= set(point):
        return exact(form, point)
    found = value(form, point)
    return found if arrays else whole(float(found))


def whole(found: float) -> int | float:
    """Counts print as integers as long as floats hold them exactly."""
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def simple(form: Expr, point: dict[Symbol, object]) -> Expr:
    """The closed form for print: conventions that are 1 in this setting are left out, the rest stay symbols."""
    return form.xreplace(dict.fromkeys(_ones(point), Integer(1))).xreplace({Max(1, n_kv): n_kv})


def _ones(point: dict[Symbol, object]) -> list[Symbol]:
    """Symbols of conventions that are 1 at a point."""
    names = ("causal", "Gamma_imb", "S_passes", "n_acc", "deg_TP", "deg_DP", "deg_EP", "deg_ETP", "l")
    values = {BY_NAME[name]: point.get(BY_NAME[name]) for name in names}
    return [symbol for symbol, given in values.items() if np.ndim(given) == 0 and given == 1]


def printed(form: Expr, point: dict[Symbol, object]) -> str:
    """`simple` as text, kept between processes: to simplify a form takes longer than to derive it."""
    key = f"{sympy.__version__} {_ones(point)} {srepr(form)}"
    return kept(key, lambda: str(simple(form, point)), "analysis/systems/quantity.py")


# -- what a quantity may ask of a setting ----------------------------------------------------------
def needs_experts(setting: Setting) -> None:
    """Refuse models without experts."""
    if not setting.architecture.experts:
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
