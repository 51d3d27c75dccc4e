"""Closed forms as others can read them back, with units: as a page prints them, and of a quantity in general."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from sympy import Expr, MatrixExpr, latex, srepr

from analysis.ask.parameters import CHOICE, PARAMETERS
from analysis.ask.setting import Setting
from analysis.book.citing.code import python
from analysis.data import datasets
from analysis.derive.attention import MLA
from analysis.derive.brackets import scores_and_context
from analysis.derive.symbols import MEANINGS
from analysis.files.errors import InputError
from analysis.render.equations import subjects
from analysis.render.latex import tex
from analysis.render.printed import Row
from analysis.systems.quantity import Quantity

NAMES = re.compile(r"Str\(('\w+')\)")
LEFT_OPEN = {"phase", "peak", "placement", "draws"}
"""Choices that do not shape a closed form."""


def printed_forms(label: str, rows: Sequence[Row], unit: str = "") -> dict:
    """The closed forms of an equation's rows; `unit` holds where a left side does not tell its own."""
    forms = [
        {"of": remark, "left": left, "latex": tex(form), "srepr": srepr(form), "unit": unit_of(left) or unit}
        for left, form, remark in rows
    ]
    units = dict.fromkeys(form["unit"] for form in forms)
    return {"unit": ", ".join(units) or unit, "forms": forms, "sympy": python(label, rows) if rows else ""}


def bracketed_forms() -> list[dict]:
    """Scores and context of one head in both contraction orders, as matrix products; `doit` makes each pair equal."""
    rows = [(order, *row) for order in MLA.orders for row in scores_and_context(MLA, order).items()]
    return [
        {"of": order.replace("_", " "), "left": left, "latex": latex(form), "srepr": _matrices(form), "unit": "1"}
        for order, left, form in rows
    ]


def _matrices(form: MatrixExpr) -> str:
    """`srepr` of a matrix product, as `sympify` reads it: it knows no class of names."""
    return NAMES.sub(r"\1", srepr(form))


def general_forms(quantity: Quantity) -> Iterable[dict]:
    """A closed form for each mechanism and order that a quantity exists for, equal ones once."""
    found: dict[str, list[str]] = {}
    assumed = {}
    for remark, chosen in subjects() if quantity.expression else ():
        link = next(iter(datasets.interconnects()))
        setting = Setting.of(**chosen, accelerator=next(iter(datasets.accelerators())), link=link)
        try:
            quantity.domain(setting)
            form = json.dumps(_written(quantity.expression(setting)))
        except InputError:
            continue  # the model has no such part
        found.setdefault(form, []).append(remark)
        assumed.setdefault(form, assumptions(quantity, setting, {"order": ""}))
    for form, remarks in found.items():
        yield {"of": remarks, "assumptions": assumed[form], "srepr": json.loads(form)}


def _written(form: Expr | dict[str, Expr]) -> str | dict[str, str]:
    return {part: srepr(each) for part, each in form.items()} if isinstance(form, dict) else srepr(form)


def assumptions(quantity: Quantity, setting: Setting, given: Mapping[str, object]) -> dict[str, object]:
    """The rows named and the discrete choices that shape a closed form; what is a symbol is no assumption.

    The contraction order is left open where nothing that fixes it is `given`.
    """
    named = {name: given[name] for name in ("model", "accelerator", "link") if name in given}
    chosen = {name for name, parameter in PARAMETERS.items() if parameter.kind == CHOICE} - LEFT_OPEN
    shaping = chosen & choices_read(quantity, setting) - (set() if named or "order" in given else {"order"})
    return named | {name: setting.echo[name] for name in PARAMETERS if name in shaping and name in setting.echo}


def choices_read(quantity: Quantity, setting: Setting) -> set[str]:
    """Parameters that a quantity's closed form asks a setting for; none where it has no closed form."""
    asked: set[str] = set()

    class Listening(Setting):
        def __getitem__(self, name: str):
            asked.add(name)
            return super().__getitem__(name)

    if quantity.expression:
        quantity.expression(Listening(setting.given))
    return asked


# -- the unit of a closed form, read off the left side of its equation -------------------------------
SYMBOLS = {about.latex: about.unit for about in MEANINGS.values()}
LETTERS = {  # what letters bear throughout the study, whatever their index
    "F": "FLOP",
    "Q": "byte",
    "T": "s",
    "t": "s",
    "ArI": "FLOP/byte",
    "L": "tokens",
    "l": "tokens",
    "B": "requests",
    "deg": "1",
    "I": "1",
    "E": "tokens",
    "X": "token/s",
    "C": "currency/10^6 token",
    "M": "byte",
}
MARKS = re.compile(r"\^\{\\(?:star|dagger)\}")
OPERATOR = re.compile(r"^\\(?:lim|max|min)_\{(?:[^{}]|\{[^{}]*\})*\}(?:\\,| )*|^\\eta_\{\w+\}\\,|^\\Delta ")


def unit_of(left: str) -> str:
    """The unit of what stands at the left of an equals sign; empty where the left side does not tell.

    Ratios are plain numbers, and a derivative by a degree, itself a plain number, has the unit of what is derived.

    >>> [unit_of(each) for each in (r"Q_{\\mathrm{core}}", r"F(\\mathrm{deg}_{TP})/F(1)", r"\\eta_{P}\\,T")]
    ['byte', '1', 's']
    """
    bare = OPERATOR.sub("", re.sub(r"\\mathrm\{(\w+)\}", r"\1", left))
    bare = MARKS.sub("", bare)
    if bare.startswith(r"\partial"):
        return unit_of(bare.partition("/")[0].removeprefix(r"\partial").strip())
    if bare in SYMBOLS:
        return SYMBOLS[bare]
    if "/" in bare or "+" in bare:
        return "1"
    letter = re.match(r"[A-Za-z]+", bare)
    return LETTERS.get(letter[0], "") if letter else ""
