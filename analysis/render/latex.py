"""Closed forms in LaTeX: symbols spelt as their table says, arranged for reading, broken where they are long."""

import re
from collections.abc import Iterable

from sympy import Add, Expr, Max, Mul, collect, default_sort_key, expand, factor, fraction, latex, together

from analysis.derive.symbols import LATEX, MEANINGS, width_activations, width_experts, width_kv, width_weights
from analysis.render.printed import Printed, Row

THIN = r"\,"  # between factors, so that names of several letters keep apart
WIDTHS = [width_kv, width_activations, width_weights, width_experts]
LONGEST = 52  # characters of a printed line, TeX commands not counted: what the text column holds beside a number
SHORT = 8  # characters of a left side that LONGEST allows for
LONG_LEFT = 10  # characters of a left side from which on long forms begin below it


def upright(text: str) -> str:
    """Set names of several letters in LaTeX upright, so that they do not read as products.

    >>> upright("d_{KVco} + BW_{mem}")
    'd_{\\\\mathrm{KVco}} + \\\\mathrm{BW}_{\\\\mathrm{mem}}'
    """
    return re.sub(r"(?<![\\A-Za-z])([A-Za-z]{2,})", r"\\mathrm{\1}", text)


SPELT = {symbol: upright(spelt) for symbol, spelt in LATEX.items()}
ABBREVIATED = {symbol.name: symbol for symbol, about in MEANINGS.items() if about.group == "abbreviations"}
"""Letters that a system's equations put for sizes of a block; they stand on the page only."""


def tex(form: Expr) -> str:
    """A closed form in LaTeX, symbols spelt as the table of symbols says."""
    return latex(form, symbol_names=SPELT, mul_symbol=THIN)


def tidy(form: Expr) -> Expr:
    """The same closed form, arranged for reading: common factors outside, sums ordered by element width."""
    if isinstance(form, Max):
        return Max(*map(tidy, form.args), evaluate=False)
    if form.has(Max) and isinstance(form, Add | Mul):
        return form.func(*map(tidy, form.args), evaluate=False)
    if not form.has(*WIDTHS) and form.is_Add:
        return form if factor(form).is_Add else factor(form)
    above, below = _signed(*fraction(factor(together(form))))
    return _by_width(above) / _by_width(below)


def _signed(above: Expr, below: Expr) -> tuple[Expr, Expr]:
    """A fraction without a minus before it, where a difference below can take the sign."""
    difference = next((part for part in Mul.make_args(below) if part.is_Add), None)
    if difference is None or not above.could_extract_minus_sign():
        return above, below
    return -above, below / difference * (-difference).expand()


def _by_width(form: Expr) -> Expr:
    parts = [
        collect(expand(part), WIDTHS, factor) if part.is_Add and part.has(*WIDTHS) else part
        for part in Mul.make_args(form)
    ]
    return Mul(*parts)


def length(text: str) -> int:
    """Characters of a formula as printed; a fraction is as wide as its longer half."""
    text = re.sub(r"\{\{(\w+)\}\}", r"{\1}", re.sub(r"\\mathrm|\\left|\\right|\\,", "", text))
    braces = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
    wide = re.sub(rf"\\frac{braces}{braces}", lambda halves: max(halves[1], halves[2], key=len), text)
    return len(re.sub(r"\\[A-Za-z]+|[{}_^ ]", "", wide))


def broken(form: Expr, room: int = LONGEST) -> list[str]:
    """LaTeX of a form in lines of at most `room` characters: one if it fits, else its terms shared out over several."""
    if length(tex(form)) <= room or not (form.is_Add or form.has(Max)):
        return [tex(form)]
    lines: list[str] = []
    terms = sorted(Add.make_args(form), key=default_sort_key) if form.has(Max) else form.as_ordered_terms()
    for term in terms:
        first, *more = _spread(term, room)
        if lines and length(lines[-1] + first) <= room and not more:
            lines[-1] += f" + {first}"
        else:
            lines += [f"+ {first}" if lines else first, *more]
    return lines


def _spread(term: Expr, room: int) -> list[str]:
    """A product with one long sum in it, or a long maximum, in lines that each fit."""
    if length(tex(term)) <= room:
        return [tex(term)]
    if isinstance(term, Max):
        first, *more = (tex(part) for part in sorted(term.args, key=default_sort_key))
        lines = [rf"\max\Bigl({first}", *(rf"\qquad {part}" for part in more)]
        return [*(f"{line}," for line in lines[:-1]), rf"{lines[-1]}\Bigr)"]
    inner = max(
        (part for part in Mul.make_args(term) if isinstance(part, Add | Max)),
        key=lambda part: length(tex(part)),
        default=None,
    )
    return [tex(term)] if inner is None or term.is_Add else _around(inner, term / inner, room)


def _around(inner: Expr, outer: Expr, room: int) -> list[str]:
    """Lines of a long factor after a short one."""
    before = rf"\left({tex(outer)}\right)" if outer.is_Add else tex(outer)
    first, *more = broken(inner, room - length(before))
    opened, closed = ("", "") if isinstance(inner, Max) else (r" \bigl(", r"\bigr)")
    lines = [f"{before}{opened} {first}", *(rf"\qquad {line}" for line in more)]
    return [*lines[:-1], lines[-1] + closed]


def display(rows: Iterable[Row], label: str = "", relation: str = "=") -> Printed:
    """A MyST equation: rows aligned at their `relation` signs, referred to by `label`.

    Under remarks, and where a left side is long, rows begin at the left margin instead.
    """
    rows = list(rows)
    flush = any(remark or length(left) > LONG_LEFT for left, _, remark in rows)
    printed = [line for row in rows for line in (_flush(*row) if flush else _aligned(*row[:2], relation))]
    return Printed(display_lines(printed, label), rows)


def _aligned(left: str, form: Expr, relation: str) -> list[str]:
    first, *more = broken(form, LONGEST - max(0, length(left) - SHORT))
    return [rf"{left} &{relation} {first}", *(rf"&\quad {line}" for line in more)]


def _flush(left: str, form: Expr, remark: str) -> list[str]:
    """A row at the left margin, below its remark; a form that does not fit beside a long left side begins below it."""
    heading, margin = ([rf"&\text{{{remark}:}}"], r"&\quad ") if remark else ([], "&")
    if length(left) > LONG_LEFT and length(tex(form)) > LONGEST + SHORT - length(left):
        return [*heading, f"{margin}{left} =", *(rf"{margin}\qquad {line}" for line in broken(form))]
    first, *more = broken(form, LONGEST + SHORT - max(SHORT, length(left)))
    return [*heading, f"{margin}{left} = {first}", *(rf"{margin}\qquad {line}" for line in more)]


def display_lines(printed: Iterable[str], label: str = "") -> str:
    """A MyST equation from lines of LaTeX with their alignment marks."""
    body = " \\\\[4pt]\n".join(printed)
    name = [f":label: {label}"] if label else []
    return "\n".join(["```{math}", *name, r"\begin{aligned}", body, r"\end{aligned}", "```"])
