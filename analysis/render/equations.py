"""The labelled equations of the book: each quantity in closed form, per mechanism where they differ.

Nothing here knows a formula: rows come from `QUANTITIES`.
"""

import re
from functools import cache
from html import escape

from sympy import Expr, collect, expand, factor

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.attention import MECHANISMS
from analysis.derive.symbols import BY_NAME, MEANINGS, BW_Int, alpha
from analysis.files.errors import InputError
from analysis.render.latex import display, display_lines, tex, tidy, upright
from analysis.systems.quantities import quantity
from analysis.systems.quantity import simple

WHOLE_SYSTEM = [BY_NAME[name] for name in ("n_acc", "deg_TP", "deg_DP", "deg_EP", "deg_ETP")]
LEFT = {  # the letter that stands for a quantity; others are spelt out
    "parameters": r"N",
    "active_parameters": r"N_{active}",
    "kv_bytes_per_token": r"n_{dec} M_{KV}",
    "kv_cache_bytes": r"M_{cache}",
    "kv_bytes_per_accelerator": r"M_{cache}^{acc}",
    "weights_per_accelerator": r"M_{weights}^{acc}",
    "core_attention_flops": r"F_{core}",
    "core_attention_bytes": r"Q_{core}",
    "core_attention_intensity": r"ArI_{core}",
    "kv_decompression_flops": r"F_{decompress}",
    "attention_block_time": r"t_{attn}",
    "expert_intensity": r"ArI_{expert}",
    "ridge_point": r"RP_{acc}",
    "B_attn": r"B_{attn}",
    "B_MoE": r"B_{MoE}",
    "B_RP": r"B_{RP}",
    "state_bytes": r"M_{state}",
    "phi": r"\varphi",
    "index_intensity": r"ArI_{index}",
    "state_intensity": r"ArI_{state}",
    "wire_ratio": r"r_{wire}",
    "tpot": r"TPOT",
    "ttft": r"TTFT",
    "tpot_bound": r"TPOT_{bound}",
    "tpot_eq12": r"TPOT_{Eq. 12}",
    "all_to_all_time": r"t_{dispatch}",
    "B_cap": r"B_{cap}",
    "B_SLO": r"B_{SLO}",
    "tokens_per_step": r"E",
    "throughput": r"X",
    "throughput_per_accelerator": r"X_{acc}",
    "cost_per_million_tokens": r"C_{million}",
    "load_imbalance": r"\Gamma_{acc}",
}
FOUND = {
    "B_SLO": r"\max\,\{B : \mathrm{TPOT}(B) \le \mathrm{SLO}\}",
    "load_imbalance": r"\frac{\max_{a}\,\sum_{e \in E_{a}} p_{e}}{\frac{1}{n_{\mathrm{acc}}}\,\sum_{e} p_{e}}",
}
"""What is found step by step, as a formula says it."""
ORDER_NAMES = {"as_printed": "as printed", "reordered": "reordered"}


def mechanism_models() -> dict[str, str]:
    """For each mechanism that some model uses, the first such model's id: whose sizes stand beside its formulas."""
    rows = datasets.models().values()
    first = {name: next((row.id for row in rows if row.attention == name), "") for name in MECHANISMS}
    return {name: id_ for name, id_ in first.items() if id_}


def subjects() -> list[tuple[str, dict]]:
    """Every mechanism and order that a model uses, in words and as the parameters that choose it."""
    known = mechanism_models().items()
    return [
        (named(name, order), {"model": model, "order": order})
        for name, model in known
        for order in MECHANISMS[name].orders
    ]


def named(mechanism: str, order: str) -> str:
    """A mechanism in words, with its contraction order where it has several.

    >>> named("MHA", "as_printed"), named("MLA", "as_printed")
    ('MHA', 'MLA as printed')
    """
    several = len(MECHANISMS[mechanism].orders) > 1
    return f"{mechanism} {ORDER_NAMES.get(order, order)}".replace("_", " ") if several else mechanism.replace("_", " ")


def _form(name: str, chosen: dict, kept: tuple[str, ...]) -> Expr | dict[str, Expr]:
    setting = Setting.of(**{"accelerator": next(iter(datasets.accelerators())), **chosen})
    quantity(name).domain(setting)
    form = quantity(name).form(setting)
    if isinstance(form, dict):
        return {part: _wires(each) if each.has(BW_Int) else _tidied(each, kept) for part, each in form.items()}
    return _tidied(form, kept)


@cache
def _tidied(form: Expr, kept: tuple[str, ...]) -> Expr:
    """Kept under the form itself, whatever rows led to it; tidying is slow."""
    return tidy(simple(form, {one.name: 1 for one in WHOLE_SYSTEM if one.name not in kept}))


def forms(name: str, keep: tuple[str, ...] = (), **given) -> list[tuple[str, Expr]]:
    """Closed forms of a quantity with remarks: one where a model is given, else one per mechanism and order.

    Equal ones are merged, and models for which the quantity does not exist are passed over. Degrees of parallelism
    are 1 unless named in `keep`. Raises InputError for a breakdown without a model, as its terms are those of a whole
    one.
    """
    if "model" in given:
        return [("", _form(name, given, tuple(keep)))]
    found: dict[Expr, list[str]] = {}
    for remark, chosen in subjects():
        try:
            form = _form(name, {**chosen, **given}, tuple(keep))
        except InputError:
            continue
        if isinstance(form, dict):
            raise InputError(f"{name}: a breakdown is of a whole model; give model=, for example model=deepseek-v3.")
        found.setdefault(form, []).append(remark)
    return [(_merged(remarks) if len(found) > 1 else "", form) for form, remarks in found.items()]


def _wires(form: Expr) -> Expr:
    """A time on the wires as what the bytes take, and what latency adds."""
    return collect(expand(form), alpha, factor)


def _merged(remarks: list[str]) -> str:
    """Remarks that share a closed form: both orders of a mechanism become its name, equal orders are said once.

    >>> _merged(["MLA as printed", "MLA reordered"]), _merged(["MHA", "GQA"])
    ('MLA', 'MHA, GQA')
    >>> _merged(["MLA reordered", "MLA direct reordered"])
    'MLA, MLA direct: reordered'
    """
    pairs = [re.fullmatch(rf"(.*?)(?: ({'|'.join(ORDER_NAMES.values())}))?", remark).groups() for remark in remarks]
    names = list(dict.fromkeys(name for name, _ in pairs))
    orders = {order for _, order in pairs}
    if len(names) < len(remarks) or orders == {None}:
        return ", ".join(names)
    return f"{', '.join(names)}: {orders.pop()}" if len(remarks) > 1 and len(orders) == 1 else ", ".join(remarks)


def equation(name: str, label: str | None = None, keep: tuple[str, ...] = (), **given) -> str:
    """The labelled equation of a quantity, degrees of parallelism 1 unless named in `keep` (see the sharding rule).

    A breakdown gives one row per term, a quantity that is computed step by step what `FOUND` says. Raises
    InputError for a parameter that cannot be read.

    >>> print(equation("ridge_point"))
    ```{math}
    :label: eq-ridge-point
    \\begin{aligned}
    \\mathrm{RP}_{\\mathrm{acc}} &= \\frac{P_{\\mathrm{acc}}}{\\mathrm{BW}_{\\mathrm{mem}}}
    \\end{aligned}
    ```
    """
    wanted = quantity(name)
    label = wanted.label if label is None else label
    if wanted.expression is None:
        return display_lines([f"{left_side(name)} &= {FOUND[name]}"], label)
    rows = []
    for remark, form in forms(name, keep, **given):
        parts = form if isinstance(form, dict) else {name: form}
        letter = "t" if wanted.unit == "s" else "r"
        rows += [(left_side(part, letter), each, remark) for part, each in parts.items()]
    return display(rows, label)


def left_side(name: str, letter: str = "t") -> str:
    """What stands for a quantity, or for a term of one (a time, or what `letter` says), at the left of its equation."""
    return upright(LEFT[name]) if name in LEFT else rf"{letter}_{{\text{{{name.replace('_', ' ')}}}}}"


def symbol(name: str) -> str:
    """A symbol in running text, by its ASCII name, linked to its line in the table of symbols.

    Raises InputError for a name that no symbol bears.
    """
    if name not in BY_NAME:
        raise InputError(f"symbol({name!r}): no symbol has this name; symbols are born in analysis/derive/symbols.py.")
    said = escape(f"{name}: {MEANINGS[BY_NAME[name]].text}")  # a formula that is drawn has no text of its own
    return f'<a class="symbol" href="notation.html#symbol-{name}" aria-label="{said}">${tex(BY_NAME[name])}$</a>'
