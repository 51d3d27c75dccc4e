"""Equations of a whole system: too long to print flat, so in terms of each other and of a block's named parts."""

from sympy import Add, Expr, Integer, Symbol, collect, expand, factor, fraction

from analysis.ask.setting import Setting
from analysis.derive import decoder
from analysis.derive.symbols import B, BW_mem, L, d_FFN, deg_DP, deg_TP, l, n_dec, n_moe, width_kv, width_weights
from analysis.files.errors import InputError
from analysis.render.equations import left_side
from analysis.render.latex import ABBREVIATED, THIN, display, display_lines, tex
from analysis.render.printed import Printed
from analysis.systems.quantities import quantity
from analysis.systems.quantity import simple


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
    return _in_letters(name, quantity(name).form(setting), _parts(setting))


def read_equation(name: str, **given) -> str:
    """A sum of reading times in the same letters, by the width of what is read; tensor parallelism is left out."""
    setting = Setting.of(**given)
    parts = _parts(setting)
    form = simple(expand(quantity(name).form(setting).xreplace({deg_TP: Integer(1)})), {})

    def lettered(read: Expr) -> Expr:
        return collect(_with_letters(expand(read * BW_mem), parts), list(parts)) / BW_mem

    by_width = collect(form, [width_weights, width_kv], evaluate=False)
    dense = d_FFN * by_width[width_weights].coeff(d_FFN)
    others = collect(expand(by_width[width_weights] - dense), [n_dec, n_moe], lettered)
    weights = width_weights * (factor(dense) + others)
    each = B * n_dec / deg_DP
    cache = each * lettered(by_width[width_kv] * width_kv / each)
    wires = Add(*(times * width for width, times in by_width.items() if width not in (width_weights, width_kv)))
    return _in_letters(name, weights + cache + collect(wires, [n_moe], factor), parts)


def _with_letters(form: Expr, parts: dict[Symbol, Expr]) -> Expr:
    for letter, part in parts.items():
        for tokens in (L, l):
            form = form.subs((part * tokens).expand(), letter * tokens)
        form = form.subs(part, letter)
    return form


def _in_letters(name: str, form: Expr, parts: dict[Symbol, Expr]) -> str:
    form = _with_letters(form, parts)
    rows = [(left_side(name), form, "")] + [
        (tex(letter), part, "") for letter, part in parts.items() if form.has(letter)
    ]
    return display(rows, quantity(name).label)
