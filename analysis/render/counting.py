"""A kernel counted step by step, as one would on paper: each term under its line or tensor, sizes put in, the sum.

Terms come from the einsum lines, in their order; nothing here knows a formula.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from sympy import Expr, Mul, Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.block import grouped
from analysis.derive.einsum import Einsum, Kernel, Tensor
from analysis.derive.mechanisms import ALL
from analysis.derive.symbols import BY_NAME, causal
from analysis.render.derivations import FEED_FORWARD
from analysis.render.digits import digits_of, whole
from analysis.render.latex import LONGEST, THIN, display_lines, length, tex, upright
from analysis.render.printed import Printed

Sizes = dict[Symbol, float]
DOT = r" \cdot "
EXACT = 10**12  # from here on a number stands at four digits
NUMBERS = LONGEST + 8  # characters of a line of numbers, dots counted: digits are narrower than letters


def in_steps(
    layer: str,
    stage: str = "",
    order: str = "as_printed",
    label: str = "",
    at: Mapping[str, float] | None = None,
    **given,
) -> Printed:
    """Operations F [FLOP], bytes Q [byte] and their ratio of a fused kernel, from its lines to numbers at a setting.

    `layer` is a mechanism with a `stage` of it, or a feed-forward layer as `einsum` of the pages names it; `label`
    makes the equation citable. `at` gives sizes that no setting knows, such as the tokens T_e of an expert. Raises
    InputError for a parameter that cannot be read.

    >>> print(in_steps("MHA", "core", model="gpt3-175b", B=1, L=1024).splitlines()[3])
    &= 2 \\cdot 96 \\cdot 1{,}024 \\cdot 128 + 2 \\cdot 96 \\cdot 128 \\cdot 1{,}024 \\\\[4pt]
    """
    lines = FEED_FORWARD[layer] if layer in FEED_FORWARD else ALL[layer].stages(order)[stage]
    (kernel,) = grouped(stage or layer, lines, "fused")
    extra = {BY_NAME[name]: number for name, number in (at or {}).items()}
    return counted(kernel, Setting.of(**given).point | extra, label)


def counted(kernel: Kernel, sizes: Sizes, label: str = "") -> Printed:
    """The same for a kernel at a point: two sums with braces, and what the first is over the second."""
    moved = sorted(kernel.boundary, key=lambda tensor: -value(tensor.bytes, sizes))
    counted_lines = [line for line in kernel.lines if line.flops != 0]  # what is moved counts no arithmetic
    work, work_lines = _sum("F", [(_product(line), line.flops, _order(line)) for line in counted_lines], sizes, "FLOP")
    traffic, traffic_lines = _sum("Q", [(_name(one), one.bytes, list(one.axes)) for one in moved], sizes, "byte")
    each = rf"\frac{{{_tex(work)}}}{{{_tex(traffic)}}} = {digits_of(work / traffic, 4)}"
    quotient = rf"\mathrm{{ArI}} &= \frac{{F}}{{Q}} = {each}"
    rows = [("F", kernel.flops, ""), ("Q", kernel.bytes, ""), (r"\mathrm{ArI}", kernel.intensity, "")]
    return Printed(display_lines([*work_lines, *traffic_lines, quotient], label), rows)


def _sum(letter: str, terms: Sequence[tuple[str, Expr, list[Symbol]]], sizes: Sizes, unit: str) -> tuple[float, list]:
    """What terms add up to, and the lines that show it: symbols under braces, numbers, the sum."""
    at_hand = [(name, _factors(form, order, sizes)) for name, form, order in terms]
    braces = [rf"\underbrace{{{THIN.join(map(_factor, factors))}}}_{{{name}}}" for name, factors in at_hand]
    numbers = [[value(factor, sizes) for factor in factors] for _, factors in at_hand]
    put_in = [DOT.join(_tex(each) for each in row if each != 1) or "1" for row in numbers]
    total = sum(map(prod, numbers))
    result = rf"&= {_tex(total)} \;\text{{{unit}}}"
    return total, [*_rows(f"{letter} &= ", braces), *_rows("&= ", put_in, NUMBERS), result]


def _factor(factor: Expr) -> str:
    """A factor of a product: a sum stands in brackets."""
    return rf"\left({tex(factor)}\right)" if factor.is_Add else tex(factor)


def _factors(form: Expr, order: list[Symbol], sizes: Sizes) -> list[Expr]:
    """The factors of a product in the order of a line's axes; a mask that hides nothing is left out."""
    place = {symbol: number for number, symbol in enumerate(order)}

    def rank(factor: Expr) -> tuple[int, str]:
        axes = [place[symbol] for symbol in factor.free_symbols if symbol in place]
        return (-1 if factor.is_number else min(axes, default=len(place)), str(factor))

    unmasked = form.xreplace({causal: 1}) if sizes.get(causal, 1) == 1 else form
    return sorted(Mul.make_args(unmasked), key=rank)


def _rows(left: str, terms: Sequence[str], room: int = LONGEST) -> Iterator[str]:
    """Terms joined by plus signs, as many on a line as the page is wide."""
    line = ""
    for term in terms:
        if line and length((line + term).replace(DOT, ".")) > room:
            yield f"{left}{line}"
            left, line = r"&\quad + ", term
        else:
            line = f"{line} + {term}" if line else term
    yield f"{left}{line}"


def _order(line: Einsum) -> list[Symbol]:
    return [*line.made.axes, *sorted(line.summed, key=lambda axis: axis.name)]


def _product(line: Einsum) -> str:
    return r"\,".join(map(_name, line.used))


def _name(tensor: Tensor) -> str:
    """A tensor's name as TeX.

    >>> _name(Tensor("c_KV", ()))
    'c_{\\\\mathrm{KV}}'
    """
    letter, _, below = tensor.name.partition("_")
    return upright(f"{letter}_{{{below}}}" if below else letter)


def _tex(number: float) -> str:
    return (whole(number) if number < EXACT else digits_of(number, 4)).replace(",", "{,}")
