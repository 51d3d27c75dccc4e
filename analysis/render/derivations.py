"""The derivation as the book shows it: einsum lines with FLOPs, kernels with bytes, exact forms with limits."""

from collections.abc import Callable, Iterable

from sympy import Expr, Integer, oo

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import parallel, reordering, roofline
from analysis.derive.attention import MECHANISMS, MLA
from analysis.derive.block import Conventions, attention_stages, intensity
from analysis.derive.einsum import Einsum
from analysis.derive.feedforward import FFN, HEAD, ROUTED_EXPERTS, ROUTER, SHARED_EXPERT
from analysis.derive.mechanisms import ALL
from analysis.derive.parallel import Substitution
from analysis.derive.residual import SITE
from analysis.derive.symbols import B, L, T_e, causal, l, n_act
from analysis.files.errors import InputError, choices
from analysis.render.digits import digits_of
from analysis.render.equations import mechanism_models, named, subjects
from analysis.render.latex import display, tex, tidy, upright
from analysis.render.printed import Row
from analysis.render.tables import code, table
from analysis.render.words import person

STEPS = {"decode": Integer(1), "prefill": L}
FEED_FORWARD = {
    "dense": FFN["gated"],
    "plain": FFN["plain"],
    "routed": ROUTED_EXPERTS,
    "shared": SHARED_EXPERT,
    "router": ROUTER,
    "head": HEAD,
    **{f"streams {place}": given for place, given in SITE.items()},  # of a half of a block
}


def einsum(mechanism: str, stage: str = "", order: str = "as_printed", phase: str = "") -> str:
    """The einsum lines of a stage with their FLOPs; `einsum("routed")` gives a feed-forward layer's.

    FLOPs are those of any step, or with `phase="decode"` of one query token, which no mask hides rows from. Raises
    InputError for a stage that does not exist.
    """
    if mechanism in FEED_FORWARD:
        return _line_table(FEED_FORWARD[mechanism])
    stages = ALL[mechanism].stages(order)
    if stage not in stages:
        raise InputError(f"einsum({mechanism!r}, {stage!r}): no such stage; allowed are {choices(stages)}.")
    return _line_table(stages[stage], {l: Integer(1), causal: Integer(1)} if phase == "decode" else {})


def _line_table(given: Iterable[Einsum], at: Substitution | None = None) -> str:
    body = "\n".join(f"| {code(line)} | ${tex(line.flops.xreplace(at or {}).doit())}$ |" for line in given)
    return f"| line | FLOPs |\n|:---|:---|\n{body}\n"


def cache(mechanism: str) -> str:
    """The tensors that a mechanism keeps per token, as code."""
    return ", ".join(code(tensor) for tensor in ALL[mechanism].kept)


def core_intensity(mechanism: str, order: str, phase: str, grouping: str = "fused") -> Expr:
    """Exact arithmetic intensity of core attention in a step [FLOP/byte]."""
    kernels = attention_stages(MECHANISMS[mechanism], Conventions(order, grouping))["core"]
    return tidy(intensity(kernels).xreplace({l: STEPS[phase]}))


def core_limit(mechanism: str, order: str, phase: str, grouping: str = "fused") -> Expr:
    """Its limit as batch and context grow without bound."""
    found = reordering.limits(core_intensity(mechanism, order, phase, grouping), [B, L])
    return oo if found.has(oo) else tidy(found)


def limit_number(
    mechanism: str, order: str = "as_printed", phase: str = "decode", grouping: str = "fused", digits: int = 3, **given
) -> str:
    """That limit for a model (by default the first that has the mechanism), at the widths given, as text."""
    return digits_of(limit_value(mechanism, order, phase, grouping, **given), digits)


def limit_value(
    mechanism: str, order: str = "as_printed", phase: str = "decode", grouping: str = "fused", **given
) -> float:
    """That limit as a number [FLOP/byte]."""
    form = core_limit(mechanism, order, phase, grouping)
    setting = Setting.of(**{"model": mechanism_models()[mechanism], **given})
    return float("inf") if form == oo else float(value(form, setting.point))


def limit_table(grouping: str = "fused", speaker: Callable[[str], str] | None = None, width: float = 2) -> str:
    """Exact core-attention intensity and its limit side by side, for every mechanism, order and step.

    `speaker` names the model whose sizes give a mechanism's value (by default the first that has it); `width` [byte].
    """
    rows, seen, models = [], set(), {}
    for remark, chosen in subjects():
        mechanism = datasets.model(chosen["model"]).attention
        model = speaker(mechanism) if speaker else chosen["model"]
        for phase in STEPS:
            case = (mechanism, chosen["order"], phase, grouping)
            exact = core_intensity(*case)
            if (exact, phase) not in seen:
                seen.add((exact, phase))
                models[model] = None
                limit = limit_number(*case, model=model, width=width)
                rows.append((f"{remark}, {phase}", f"${tex(exact)}$", f"${tex(core_limit(*case))}$", limit))
    caption = (
        f"Arithmetic intensity of core attention ({grouping}) in FLOP/byte, exact and in the limit of endless "
        f"batch and context. The value is the limit at {width:g}-byte elements, without a causal mask, for the models "
        f"{_listed(models)}."
    )
    return table(("core attention", "exact", "limit", "value"), rows, caption, f"tab-limits-{grouping}", "lccr")


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(map(person, ids))


def both_orders_equation(what: str, label: str, mechanism: str = MLA.name) -> str:
    """FLOPs, bytes or intensity of decompression and core together, in both orders, as one labelled equation."""
    letters = {"flops": "F", "bytes": "Q"}
    rows: list[Row] = []
    for order, kernels in reordering.both_orders(MECHANISMS[mechanism]).items():
        form = sum((getattr(kernel, what) for kernel in kernels), Integer(0))
        rows.append((letters[what], _terms(form), named(mechanism, order)))
    return display(rows, label)


def _terms(form: Expr) -> Expr:
    """A sum arranged by what grows: the part with l times L, with L, with l, and the rest."""
    return form.collect([L * l, L, l], lambda part: tidy(part)) if form.is_Add else form


def sharding_rule() -> str:
    """What replaces each axis on one accelerator, as one labelled equation."""
    rows = [(tex(symbol), form, "") for symbol, form in parallel.sharded().items()]
    return display(rows, "eq-sharding", relation=r"\to")


def crossing_equation(what: str, label: str, mechanism: str = MLA.name) -> str:
    """The query length at which both orders need the same FLOPs, or the same bytes; with the limit of long contexts."""
    find = {"flops": reordering.crossing_in_flops, "bytes": reordering.crossing_in_bytes}[what]
    form = find(MECHANISMS[mechanism])
    limit = reordering.limits(form, [L])
    star = rf"l^{{*}}_{{{upright({'flops': 'FLOP', 'bytes': 'byte'}[what])}}}"
    rows = [(star, tidy(form), "")]
    if not limit.has(oo):
        rows.append((rf"\lim_{{L \to \infty}} {star}", tidy(limit), ""))
    return display(rows, label)


def tokens_equation() -> str:
    """Tokens per expert, and the expected number of experts that at least one token reaches."""
    return display(
        [
            (tex(T_e), parallel.tokens_per_expert(), "one expert"),
            (tex(n_act), parallel.active_experts(B * l), "experts reached, one expert-parallel group"),
        ],
        "eq-tokens-per-expert",
    )


def knee_equation() -> str:
    """The batch at which a routed expert reaches the ridge, its activations counted."""
    return display([(r"B_{\mathrm{knee}}", tidy(roofline.B_MoE(activations=True)), "")], "eq-expert-knee")
