"""Equations of a whole system: too long to print flat, so in terms of each other and of a block's named parts."""

from sympy import Add, Expr, Symbol, fraction

from analysis.derive import decoder
from analysis.derive.symbols import L
from analysis.errors import InputError
from analysis.evaluate.quantities import quantity
from analysis.evaluate.setting import Setting
from analysis.render.equations import left_side
from analysis.render.latex import ABBREVIATED, THIN, display, display_lines, tex
from analysis.render.printed import Printed


def sum_equation(total: str, terms: str, **given) -> str:
    """A quantity as the sum of the named terms of another; raises InputError if the closed forms do not add up."""
    parts = quantity(terms).expression(Setting.of(**given))
    form = quantity(total).expression(Setting.of(**given))
    if Add(*parts.values()) != form:
        raise InputError(f"sum_equation({total!r}, {terms!r}): the terms do not add up; derive the total otherwise.")
    names = [left_side(part) for part in parts]
    first, *more = [" + ".join(names[i : i + 3]) for i in range(0, len(names), 3)]
    lines = [f"{left_side(total)} &= {first}", *(rf"&\quad + {line}" for line in more)]
    return Printed(display_lines(lines, quantity(total).label), [(left_side(total), form, "")])


def multiple_equation(name: str, of: str, power: int = -1, **given) -> str:
    """A quantity as a short factor times a power of another, both in the same setting."""
    setting = Setting.of(**given)
    form = quantity(name).expression(setting)
    above, below = fraction(form / quantity(of).expression(setting) ** power)
    above, below = ([tex(part)] if part != 1 else [] for part in (above, below))
    (above if power > 0 else below).append(left_side(of))
    printed = rf"\frac{{{THIN.join(above)}}}{{{THIN.join(below)}}}"
    shown = display_lines([f"{left_side(name)} &= {printed}"], quantity(name).label)
    return Printed(shown, [(left_side(name), form, "")])


def _parts(setting: Setting) -> dict[Symbol, Expr]:
    """Sizes of a block that get a letter of their own in a system's equations."""
    architecture, conventions = setting.architecture, setting.conventions
    experts = (
        {ABBREVIATED["N_MoE"]: decoder.feedforward_parameters(architecture)["routed"]} if architecture.experts else {}
    )
    return {
        ABBREVIATED["M_act"]: decoder.activation_bytes(architecture, conventions),
        ABBREVIATED["M_KV"]: decoder.kv_bytes_per_block(architecture, conventions),
        ABBREVIATED["N_attn"]: decoder.attention_parameters(architecture),
        **experts,
    }


def parts_equation(name: str, **given) -> str:
    """A quantity of the system in the letters of `_parts`, each of which is spelt out below it."""
    setting = Setting.of(**given)
    parts = _parts(setting)
    form = quantity(name).expression(setting)
    for letter, part in parts.items():
        form = form.subs((part * L).expand(), letter * L).subs(part, letter)
    rows = [(left_side(name), form, "")] + [
        (tex(letter), part, "") for letter, part in parts.items() if form.has(letter)
    ]
    return display(rows, quantity(name).label)
