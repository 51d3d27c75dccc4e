"""What the explorer page computes from: the study's closed forms as JavaScript functions, and its data as points.

Functions differ by what a model's blocks are made of and by contraction order; models share them. All numbers are
in SI units, as `Setting` resolves them, so that the page neither converts units nor knows a formula."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from sympy import Expr, Integer, Piecewise, Symbol, cse, jscode, numbered_symbols

from analysis.ask.degrees import divides_all_heads, divisors
from analysis.ask.numbers import value
from analysis.ask.parameters import PARAMETERS
from analysis.ask.points import row_point
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import BY_NAME, l
from analysis.files.kept import STUDY, kept
from analysis.systems import balanced
from analysis.systems.block_kinds import block_kinds
from analysis.systems.canonical import paper
from analysis.systems.layers import layers
from analysis.systems.quantities import quantity

Nested = Expr | list["Nested"] | dict[str, "Nested"]
DEVICE = ("P_acc", "BW_mem", "M_cap", "RP_acc", "P_exp", "BW_exp")
WIDTHS = ("width", "width_weights", "width_experts", "width_kv")  # the first serves activations
NEEDS = {"A": balanced.arithmetic, "T": balanced.traffic, "W": balanced.exchanged, "M": balanced.memory}
LARGEST_TP = 64
GENERATED = "_assets/explorer/study.js"


def script(models: Collection[str] | None = None) -> str:
    """A classic script that defines `study`: functions, models (all, or some), accelerators, links, conventions, and a
    start.
    """
    models = datasets.models() if models is None else models
    kinds = _kinds(models)
    parts = {
        "start": _start(),
        "models": {model: _model(model, kinds) for model in models},
        "accelerators": {row.id: _accelerator(row.id) for row in datasets.accelerators().values()},
        "links": {
            row.id: {"name": row.name, "point": _named(row_point(row))} for row in datasets.interconnects().values()
        },
        "conventions": _named(Setting.of().point),
    }
    functions = ",\n".join(f"{json.dumps(name)}: {_written(setting)}" for name, setting in kinds.values())
    data = "".join(f"study.{name} = {json.dumps(part, separators=(',', ':'))};\n" for name, part in parts.items())
    return f'"use strict";\nvar study = {{}};\n{data}study.functions = {{\n{functions}\n}};\n'


def _written(setting: Setting) -> str:
    """The function of a model's forms, kept between processes."""
    key = f"explorer {(setting.given, setting.model)!r}"
    return kept(key, lambda: function(forms(setting)), *STUDY)


def _start() -> dict[str, object]:
    """The choices with which the page opens: the book's system, decode, no skew."""
    edition = paper()
    point = Setting.of(**edition.system()).point
    degrees = {name: int(point[BY_NAME[name]]) for name in ("deg_TP", "deg_DP", "deg_EP")}
    rows = {"model": edition.model, "accelerator": edition.accelerator, "link": edition.link}
    step = {"phase": "decode", "order": "auto", "peak": edition.peak}
    step |= dict.fromkeys(WIDTHS, edition.width)
    return rows | step | {"B": edition.B, "L": edition.L} | degrees | {"Gamma_imb": 1, "slo": edition.slo}


def forms(setting: Setting) -> Nested:
    """Closed forms of the quantities that the explorer shows, in the model and order of a setting.

    Where a prompt takes other lines than a step, both phases in one form: a step has one query token, a prompt more.
    `terms` of TPOT [s] by name; `layers` by stage, each with FLOPs, bytes and time [s]; `kinds` of block, each with its
    weights on an accelerator, what a request keeps in them, what a step touches of that [byte], and time [s]; `needs`
    of a step: FLOP, bytes of memory, bytes on wires at BW_Int = 1, and bytes to store; `B_cap` (not rounded) and
    `B_RP` [requests]; `ridge` [FLOP/byte].
    """
    if not setting.architecture.cuts_prompts:
        return _forms(setting)
    step, prompt = map(_forms, _phases(setting))
    return _filled(step, map(_either, *map(_flat, (prompt, step))))


def _either(prompt: Expr, step: Expr) -> Expr:
    """One form for both phases: that of a prompt alone where a step is a prompt of one token."""
    one = {l: Integer(1)}
    same = prompt == step or prompt.xreplace(one) == step.xreplace(one)
    return prompt if same else Piecewise((prompt, l > 1), (step, True))


def _forms(setting: Setting) -> Nested:
    return {
        "terms": quantity("tpot_terms").expression(setting),
        "layers": {name: [each.flops, each.bytes, each.time] for name, each in layers(setting).items()},
        "kinds": [[each.weights, each.kept, each.touched, each.time] for each in block_kinds(setting)],
        "needs": {name: form(setting) for name, form in NEEDS.items()},
        "B_cap": quantity("B_cap").expression(setting),
        "B_RP": quantity("B_RP").expression(setting),
        "ridge": quantity("ridge_point").expression(setting),
    }


def _settings(model: str) -> list[Setting]:
    """The model in every order, experts' width a symbol of its own; B_RP's domain wants an accelerator, whichever."""
    accelerator, orders = next(iter(datasets.accelerators())), Setting.of(model=model).architecture.mechanism.orders
    return [Setting.of(model=model, order=order, accelerator=accelerator, width_experts=2) for order in orders]


def _key(setting: Setting) -> tuple:
    return setting.architecture, setting.conventions


def _kinds(models: Iterable[str]) -> dict[tuple, tuple[str, Setting]]:
    """One setting for each function, under a name made of the mechanism, the order and a number."""
    found: dict[tuple, tuple[str, Setting]] = {}
    for setting in (each for model in models for each in _settings(model)):
        name = f"{setting.architecture.attention} {setting.conventions.order} {len(found)}"
        found.setdefault(_key(setting), (name, setting))
    return found


def _phases(setting: Setting) -> tuple[Setting, Setting]:
    """A step and a prompt."""
    return setting.with_(phase="decode"), setting.with_(phase="prefill")


def _model(model: str, kinds: dict) -> dict:
    """What the page needs of a model: its point, its functions by phase and order, and the degrees that divide it."""
    settings = _settings(model)
    row = settings[0].model
    titles, passed = ({n: layer.title for n, layer in layers(each).items()} for each in _phases(settings[0]))
    return {
        "name": row.name,
        "experts": bool(row.n_moe),
        "attention": row.attention,
        "point": _named(row_point(row)),
        "functions": {each.conventions.order: kinds[_key(each)][0] for each in settings},
        "order": {
            phase: Setting.of(model=model, phase=phase).conventions.order for phase in PARAMETERS["phase"].allowed
        },
        "titles": {each.conventions.order: {n: layer.title for n, layer in layers(each).items()} for each in settings},
        "prompt": {name: title for name, title in passed.items() if title != titles.get(name)},
        "kinds": [[each.title, int(value(each.blocks, settings[0].point))] for each in block_kinds(settings[0])],
        "deg_TP": [2**i for i in range(LARGEST_TP.bit_length()) if divides_all_heads(2**i, row)],
        "deg_EP": divisors(row.n_e) if row.n_moe else None,
    }


def _accelerator(accelerator: str) -> dict:
    row = datasets.find("accelerators", accelerator, "accelerator")
    peaks = [peak for peak in PARAMETERS["peak"].allowed if getattr(row, f"P_{peak}") is not None]
    points = {peak: Setting.of(accelerator=accelerator, peak=peak).point for peak in peaks}
    return {
        "name": row.name,
        "link": row.link,
        "peaks": {
            peak: _named({BY_NAME[name]: point[BY_NAME[name]] for name in DEVICE}) for peak, point in points.items()
        },
    }


def _named(point: dict[Symbol, object]) -> dict[str, float]:
    return {symbol.name: float(number) for symbol, number in point.items()}


# -- closed forms as JavaScript ----------------------------------------------------------------------
def function(results: Nested) -> str:
    """Source of a JavaScript function from a point (an object, symbol to number) to results of the same shape.

    Subexpressions that repeat are computed once; the source has no space that a reader's browser must load in vain.

    >>> from analysis.derive.symbols import B, L
    >>> print(function({"work": 2 * B * L, "parts": [B, L**2]}))
    function (point) {
      const { B, L } = point;
      return {work: 2*B*L,parts: [B,Math.pow(L, 2)]};
    }
    """
    expressions = list(_flat(results))
    symbols = sorted({symbol.name for each in expressions for symbol in each.free_symbols})
    shared, reduced = cse(expressions, symbols=_temporaries(expressions), order="none")
    lines = [f"const {{ {', '.join(symbols)} }} = point;"] if symbols else []
    steps = ",\n".join(f"{name}={_script(part)}" for name, part in shared)
    lines += [f"const {steps};"] if steps else []
    lines.append(f"return {_shaped(results, iter(reduced))};")
    return "function (point) {\n" + "".join(f"  {line}\n" for line in lines) + "}"


def _temporaries(expressions: Iterable[Expr]) -> Iterable[Symbol]:
    return numbered_symbols("x", exclude=[symbol for each in expressions for symbol in each.free_symbols])


def _flat(results: Nested) -> Iterable[Expr]:
    if isinstance(results, Mapping):
        results = list(results.values())
    if isinstance(results, list):
        for each in results:
            yield from _flat(each)
    else:
        yield results


def _filled(shape: Nested, given: Iterator[Expr]) -> Nested:
    """The same shape with other expressions, from `given` in the order of `_flat`."""
    if isinstance(shape, Mapping):
        return {name: _filled(each, given) for name, each in shape.items()}
    return [_filled(each, given) for each in shape] if isinstance(shape, list) else next(given)


def _shaped(results: Nested, reduced: Iterable[Expr]) -> str:
    """The results' shape as a JavaScript literal, filled from `reduced` in the order of `_flat`."""
    if isinstance(results, Mapping):
        return "{" + ",".join(f"{name}: {_shaped(each, reduced)}" for name, each in results.items()) + "}"
    if isinstance(results, list):
        return "[" + ",".join(_shaped(each, reduced) for each in results) + "]"
    return _script(next(reduced))


def _script(form: Expr) -> str:
    return re.sub(r"\s*(\+|-|\?|:|\n)\s*", r"\1", jscode(form)).replace("\n", "")
