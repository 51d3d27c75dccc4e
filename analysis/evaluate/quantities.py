"""Quantities by name: from a setting to a closed form, a number, a unit and the equation that the book prints.

`evaluate("kv_bytes_per_token", model="deepseek-v3").value` is the whole interface; the command line wraps it.
Scope: totals are per model; core attention, decompression and block time per block and accelerator; expert
intensity per expert. Axes are those of one accelerator (`analysis.derive.parallel.sharded`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sympy import Expr, Integer, Max, Symbol

from analysis.derive.symbols import BY_NAME, n_kv
from analysis.errors import InputError, near, shown
from analysis.evaluate.degrees import check_degrees
from analysis.evaluate.forms import derived, symbols_of, watched
from analysis.evaluate.numbers import exact, value
from analysis.evaluate.setting import Setting


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
    beside_values: Callable[[Setting], dict[str, object]] = lambda setting: {}

    @property
    def label(self) -> str:
        """The label of the quantity's equation in the book."""
        return "eq-" + self.name.lower().replace("_", "-")

    def form(self, setting: Setting) -> Expr | dict[str, Expr]:
        """The closed form in a setting, derived once."""
        return derived(self.expression, setting)


@dataclass(frozen=True)
class Answer:
    """A quantity's value in SI units with its closed form, equation label and the conventions that were used.

    `notes` are sentences that a reader must know beside the number; `typed` are the parameters that were given by name,
    `asked` those that a quantity without a form asked for.
    """

    quantity: str
    value: object
    unit: str
    closed_form: object
    equation: str
    beside: dict[str, object]
    conventions: dict[str, object]
    setting: Setting = field(repr=False)
    typed: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What must be said beside the number, looked for when it is asked for: loops over numbers do not wait for it.

        >>> evaluate("kv_cache_bytes", model="llama-3.1-8b", L=200_000).notes
        ('L=200000 exceeds the longest context of Llama 3.1 8B, 131072 tokens.',)
        """
        from analysis.evaluate.notes import notes

        return notes(quantity(self.quantity), self.setting, self.typed, self.asked)

    @property
    def told(self) -> dict[str, object]:
        """What is printed of the answer, by name."""
        return {name: getattr(self, name) for name in TOLD}


TOLD = ("quantity", "value", "unit", "closed_form", "equation", "beside", "conventions", "notes")
QUANTITIES: dict[str, Quantity] = {}


def define(name: str, title: str, unit: str, expression=None, **more) -> None:
    """Add a quantity to the registry."""
    QUANTITIES[name] = Quantity(name, title, unit, expression, **more)


def all_quantities() -> tuple[Quantity, ...]:
    """Every quantity, in the order of definition."""
    from analysis.evaluate import quantities_block, quantities_system  # noqa: F401  each registers its quantities

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
    wanted = quantity(name)
    setting = setting or Setting.of(**given)
    wanted.domain(setting)
    form = wanted.form(setting) if wanted.expression else None
    found, asked = watched(wanted.compute, setting) if wanted.compute else (_finished(wanted, form, setting), set())
    _refuse_beyond_numbers(name, found)
    beside = {label: number(derived(more, setting), setting.point) for label, more in wanted.beside.items()}
    shown = wanted.closed_form or _shown(form, setting.point)
    more, also = watched(wanted.beside_values, setting)
    more = {label: _scalar(each) for label, each in more.items()}
    chosen = setting.echo, setting, tuple(given), frozenset(asked | also)
    return Answer(name, _scalar(found), wanted.unit, shown, wanted.label, beside | more, *chosen)


def _finished(wanted: Quantity, form: Expr | dict[str, Expr], setting: Setting):
    return wanted.finish(number(form, setting.point), setting)


def _refuse_beyond_numbers(name: str, found) -> None:
    """Raise InputError for what is no number: some parameter is so far out that floats do not reach."""
    parts = found.values() if isinstance(found, dict) else [found]
    if not all(np.all(np.isfinite(np.asarray(part, dtype=float))) for part in parts):
        raise InputError(f"{name}: found no finite number; some parameter is beyond any machine: give usual sizes.")


def _shown(form: Expr | dict[str, Expr], point: dict[Symbol, object]):
    return {name: simple(part, point) for name, part in form.items()} if isinstance(form, dict) else simple(form, point)


def _scalar(found):
    """Arrays without axes become plain numbers."""
    return _whole(float(found)) if isinstance(found, np.generic | np.ndarray) and np.ndim(found) == 0 else found


def number(form: Expr | dict[str, Expr], point: dict[Symbol, object]):
    """A closed form's value; exact integers where the point is a single one and the form stays whole."""
    if isinstance(form, dict):
        return {name: number(part, point) for name, part in form.items()}
    check_degrees(point, symbols_of(form))
    arrays = any(isinstance(point.get(symbol), np.ndarray) for symbol in symbols_of(form))
    if not arrays and form.is_polynomial() and symbols_of(form) <= set(point):
        return exact(form, point)
    found = value(form, point)
    return found if arrays else _whole(float(found))


def _whole(found: float) -> int | float:
    """Counts print as integers as long as floats hold them exactly."""
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def simple(form: Expr, point: dict[Symbol, object]) -> Expr:
    """The closed form for print: conventions that are 1 in this setting are left out, the rest stay symbols."""
    names = ("causal", "Gamma_imb", "S_passes", "n_acc", "deg_TP", "deg_DP", "deg_EP", "deg_ETP", "l")
    ones = {
        BY_NAME[name]: Integer(1)
        for name in names
        if np.ndim(point.get(BY_NAME[name])) == 0 and point.get(BY_NAME[name]) == 1
    }
    return form.xreplace(ones).xreplace({Max(1, n_kv): n_kv})


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
