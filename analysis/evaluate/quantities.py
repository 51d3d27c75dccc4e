"""Quantities by name: from a setting to a closed form, a number, a unit and the equation that the book prints.

`evaluate("kv_bytes_per_token", model="deepseek-v3").value` is the whole interface; the command line wraps it.
Scope: totals are per model; core attention, decompression and block time per block and accelerator; expert
intensity per expert. Axes are those of one accelerator (`analysis.derive.parallel.sharded`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from sympy import Add, Expr, Integer, Max, Symbol, cancel

from analysis.derive import decoder, roofline
from analysis.derive.block import attention_stages, bytes_moved, flops, grouped
from analysis.derive.einsum import Counts
from analysis.derive.feedforward import ROUTED_EXPERTS
from analysis.derive.parallel import sharded, single_expert
from analysis.derive.symbols import BY_NAME, n_kv
from analysis.errors import InputError, choices
from analysis.evaluate.degrees import check_degrees
from analysis.evaluate.numbers import exact, value
from analysis.evaluate.setting import Setting
from analysis.evaluate.timing import timing


@dataclass(frozen=True)
class Quantity:
    """A named result: its closed form in a setting, and further forms worth seeing beside it.

    `expression` gives one closed form, or a dict of them by name (a breakdown). `compute` finds the number where it is
    not the form's plain value (rounding, bisection, simulation); `closed_form` says so in words where there is no form.
    `beside_values` are further numbers without a form. `domain` refuses settings in which the quantity does not exist.
    """

    name: str
    title: str
    unit: str
    expression: Callable[[Setting], Expr | dict[str, Expr]] | None = None
    beside: Mapping[str, Callable[[Setting], Expr]] = field(default_factory=dict)
    domain: Callable[[Setting], None] = lambda setting: None
    compute: Callable[[Setting], object] | None = None
    closed_form: str = ""
    beside_values: Callable[[Setting], dict[str, object]] = lambda setting: {}

    @property
    def label(self) -> str:
        """The label of the quantity's equation in the book."""
        return "eq-" + self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Answer:
    """A quantity's value in SI units with its closed form, equation label and the conventions that were used."""

    quantity: str
    value: object
    unit: str
    closed_form: object
    equation: str
    beside: dict[str, object]
    conventions: dict[str, object]


QUANTITIES: dict[str, Quantity] = {}


def define(name: str, title: str, unit: str, expression=None, **more) -> None:
    """Add a quantity to the registry."""
    QUANTITIES[name] = Quantity(name, title, unit, expression, **more)


def all_quantities() -> tuple[Quantity, ...]:
    """Every quantity, in the order of definition."""
    from analysis.evaluate import quantities_system  # noqa: F401  registers the system's quantities

    return tuple(QUANTITIES.values())


def quantity(name: str) -> Quantity:
    """The quantity with this name. Raises InputError that lists all."""
    all_quantities()
    if name not in QUANTITIES:
        raise InputError(f"{name}: there is no quantity of this name; allowed are {choices(QUANTITIES)}.")
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
    form = wanted.expression(setting) if wanted.expression else None
    found = wanted.compute(setting) if wanted.compute else number(form, setting.point)
    beside = {label: number(more(setting), setting.point) for label, more in wanted.beside.items()}
    shown = wanted.closed_form or _shown(form, setting.point)
    beside |= wanted.beside_values(setting)
    return Answer(name, _scalar(found), wanted.unit, shown, wanted.label, beside, setting.echo)


def _shown(form: Expr | dict[str, Expr], point: dict[Symbol, object]):
    return {name: simple(part, point) for name, part in form.items()} if isinstance(form, dict) else simple(form, point)


def _scalar(found):
    """Arrays without axes become plain numbers."""
    return _whole(float(found)) if isinstance(found, np.generic | np.ndarray) and np.ndim(found) == 0 else found


def number(form: Expr | dict[str, Expr], point: dict[Symbol, object]):
    """A closed form's value; exact integers where the point is a single one and the form stays whole."""
    if isinstance(form, dict):
        return {name: number(part, point) for name, part in form.items()}
    check_degrees(point, form.free_symbols)
    arrays = any(isinstance(point.get(symbol), np.ndarray) for symbol in form.free_symbols)
    if not arrays and form.is_polynomial() and form.free_symbols <= set(point):
        return exact(form, point)
    found = value(form, point)
    return found if arrays else _whole(float(found))


def _whole(found: float) -> int | float:
    """Counts print as integers as long as floats hold them exactly."""
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def simple(form: Expr, point: dict[Symbol, object]) -> Expr:
    """The closed form for print: conventions that are 1 in this setting are left out, the rest stay symbols."""
    names = ("causal", "Gamma_imb", "S_passes", "n_acc", "deg_TP", "deg_DP", "deg_EP", "l")
    ones = {
        BY_NAME[name]: Integer(1)
        for name in names
        if np.ndim(point.get(BY_NAME[name])) == 0 and point.get(BY_NAME[name]) == 1
    }
    return form.xreplace(ones).xreplace({Max(1, n_kv): n_kv})


# -- what the names mean ---------------------------------------------------------------------------
def _stage(setting: Setting, stage: str) -> Counts:
    """FLOPs and bytes of one attention stage on one accelerator."""
    kernels = attention_stages(setting.architecture.mechanism, setting.conventions)[stage]
    return Counts(stage, flops(kernels).xreplace(sharded()), bytes_moved(kernels).xreplace(sharded()))


def attention_block_time(setting: Setting) -> Expr:
    """Roofline time of one attention block on one accelerator [s], kernels one after another."""
    stages = attention_stages(setting.architecture.mechanism, setting.conventions)
    takes = timing(setting).kernel
    return Add(*(takes(kernel.at(sharded()), stage) for stage, kernels in stages.items() for kernel in kernels))


def _expert(setting: Setting) -> Counts:
    kernels = grouped("routed", ROUTED_EXPERTS, setting["grouping"])
    return Counts("expert", flops(kernels).xreplace(single_expert()), bytes_moved(kernels).xreplace(single_expert()))


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


def _needs_experts_and_accelerator(setting: Setting) -> None:
    needs_experts(setting)
    needs_accelerator(setting)


def _needs_both(setting: Setting) -> None:
    needs_model(setting)
    needs_accelerator(setting)


define(
    "parameters",
    "parameters of the model, embedding and output head counted",
    "1",
    lambda s: decoder.parameters(s.architecture),
)
define(
    "active_parameters",
    "parameters that one token touches, output head counted, input embedding not",
    "1",
    lambda s: decoder.active_parameters(s.architecture),
    beside={"with input embedding": lambda s: decoder.active_parameters(s.architecture, embedding=True)},
)
define(
    "kv_bytes_per_token",
    "cached bytes of one token in the whole model",
    "byte",
    lambda s: decoder.kv_bytes_per_token(s.architecture, s.conventions),
)
define(
    "core_attention_flops",
    "operations of core attention, per block and accelerator",
    "FLOP",
    lambda s: _stage(s, "core").flops,
)
define(
    "core_attention_bytes",
    "bytes that core attention moves, per block and accelerator",
    "byte",
    lambda s: _stage(s, "core").bytes,
)
define(
    "core_attention_intensity",
    "arithmetic intensity of core attention",
    "FLOP/byte",
    lambda s: cancel(_stage(s, "core").intensity),
)
define(
    "kv_decompression_flops",
    "operations of KV decompression, or of the absorbed products in its place",
    "FLOP",
    lambda s: _stage(s, "decompression").flops,
)
define(
    "attention_block_time",
    "roofline time of one attention block on one accelerator, projections included",
    "s",
    attention_block_time,
    domain=_needs_both,
)
define(
    "expert_intensity",
    "arithmetic intensity of one routed expert, its activations counted",
    "FLOP/byte",
    lambda s: _expert(s).intensity,
    domain=needs_experts,
    beside={"weights only": lambda s: roofline.weights_only(_expert(s))},
)
define(
    "ridge_point",
    "arithmetic peak over memory bandwidth",
    "FLOP/byte",
    lambda s: roofline.ridge_point(),
    domain=needs_accelerator,
)
define(
    "B_attn",
    "batch at which dense projections reach the ridge",
    "requests",
    lambda s: roofline.B_attn(),
    domain=needs_accelerator,
)
define(
    "B_MoE",
    "batch at which routed experts reach the ridge",
    "requests",
    lambda s: roofline.B_MoE(),
    domain=_needs_experts_and_accelerator,
    beside={"activations counted": lambda s: roofline.B_MoE(activations=True)},
)
define(
    "B_RP",
    "batch at which every weight layer has reached the ridge",
    "requests",
    lambda s: roofline.B_RP(s.architecture.experts),
    domain=_needs_both,
)
