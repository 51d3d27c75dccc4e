"""Quantities of a model and its blocks (the paper's Sections II to V): sizes, core attention, experts, ridge points."""

from collections.abc import Callable

import numpy as np
from sympy import Add, Expr, Integer, cancel

from analysis.ask.setting import Setting
from analysis.derive import communication, decoder, mechanisms, roofline
from analysis.derive.block import Kind, attention_stages, bytes_moved, flops, summed
from analysis.derive.einsum import Counts
from analysis.derive.parallel import Layout, Substitution, read_expert, sharded, single_expert
from analysis.derive.symbols import B, L, d_emb, d_z, deg_TP
from analysis.files.errors import InputError
from analysis.systems.layers import ridge_by_stage, stage_times
from analysis.systems.quantity import define, needs_accelerator, needs_experts, needs_model, number
from analysis.systems.system import kv_bytes_per_accelerator
from analysis.systems.timing import timing


def _stage(setting: Setting, stage: str, kind: Kind) -> Counts:
    """FLOPs and bytes of one attention stage on one accelerator."""
    kernels, axes = attention_stages(kind.mechanism, setting.conventions)[stage], kind.axes(sharded())
    return Counts(stage, flops(kernels).xreplace(axes), bytes_moved(kernels).xreplace(axes))


def attention_block_time(setting: Setting, kind: Kind) -> Expr:
    """Roofline time of one attention block on one accelerator [s], kernels one after another."""
    stages = attention_stages(kind.mechanism, setting.conventions)
    takes, shard = timing(setting).kernel, kind.axes(sharded())
    return Add(*(takes(each.at(shard), kind.timed(stage)) for stage, kernels in stages.items() for each in kernels))


def _define_of_block(name: str, title: str, unit: str, form: Callable[[Setting, Kind], Expr], **more) -> None:
    """Define a quantity of one attention block: of full attention where the model has any, a windowed one beside it."""

    def largest(setting: Setting) -> Expr:
        return form(setting, setting.architecture.attending[0])

    def beside(setting: Setting) -> dict[str, object]:
        lead, *others = setting.architecture.attending
        apart = {each.name: each for each in others if each.name != lead.name}
        return {f"in a {name} block": number(form(setting, each), setting.point) for name, each in apart.items()}

    define(name, title, unit, largest, beside_values=beside, of_block=True, **more)


def _held(setting: Setting, tokens: Expr = Integer(1)) -> dict[str, object]:
    """What the accelerators of a tensor-parallel group hold of a cache [byte]: replicas that it makes are counted."""
    if np.all(np.asarray(setting["deg_TP"]) == 1):
        return {}
    each = kv_bytes_per_accelerator(setting) * tokens
    held = {"per accelerator": each, "on the accelerators of its group": each * deg_TP}
    return {name: number(form, setting.point) for name, form in held.items()}


def _expert(setting: Setting, alone: Callable[[Layout], Substitution] = single_expert) -> Counts:
    kind = _with_experts(setting)
    kernels, axes = kind.feedforward.stages(setting["grouping"])["routed"], kind.axes(alone(setting.layout))
    return Counts("expert", flops(kernels).xreplace(axes), bytes_moved(kernels).xreplace(axes))


def _touched_and_stored(setting: Setting, chosen: Callable[[Kind], bool] = lambda kind: True) -> tuple[Expr, Expr]:
    """Bytes of caches and states that a request's step touches, and those that it keeps, in blocks of some kinds."""
    kinds = [kind for kind in setting.architecture.attending if chosen(kind)]
    moved = ((k.blocks, mechanisms.touched(k.mechanism, setting.conventions).xreplace(k.axes())) for k in kinds)
    kept = ((k.blocks, mechanisms.stored(k.mechanism).xreplace(k.axes())) for k in kinds)
    return summed(moved).xreplace({B: Integer(1)}), summed(kept).xreplace({B: Integer(1)})


def _phi(setting: Setting) -> Expr:
    moved, kept = _touched_and_stored(setting)
    return moved / kept


def _phi_of_kinds(setting: Setting) -> dict[str, object]:
    names = dict.fromkeys(kind.name for kind in setting.architecture.attending)
    parts = {name: _touched_and_stored(setting, lambda kind, name=name: kind.name == name) for name in names}
    found = {f"in {name} blocks": moved / kept for name, (moved, kept) in parts.items() if kept != 0}
    return {name: number(form, setting.point) for name, form in found.items()} if len(names) > 1 else {}


def _first(setting: Setting, has: Callable[[Kind], object], what: str) -> Kind:
    """The first kind of block that has something. Raises InputError for a model of which none has it."""
    found = next((kind for kind in setting.architecture.kinds if has(kind)), None)
    if found is None:
        raise InputError(
            f"model={setting.model.id}: no kind of its blocks has {what}, so this quantity does not exist for it; "
            "choose another model (`python -m analysis models` lists their mechanisms)."
        )
    return found


def _index_intensity(setting: Setting) -> Expr:
    picks = _first(setting, lambda k: k.mechanism and "index" in k.mechanism.more_text, "an index that picks rows")
    return _stage(setting, "index", picks).intensity


def _state_intensity(setting: Setting) -> Expr:
    recurs = _first(
        setting, lambda k: k.mechanism and not k.mechanism.cache_text, "a recurrent state in place of a cache"
    )
    return cancel(_stage(setting, "core", recurs).intensity)


def _with_experts(setting: Setting) -> Kind:
    needs_experts(setting)
    return _first(setting, lambda kind: kind.feedforward and kind.feedforward.experts, "routed experts")


def _wire_ratio(setting: Setting) -> Expr:
    """FLOPs of the routed experts of a block over bytes of one dispatch and one combine."""
    kind = _with_experts(setting)
    layout, latent = setting.layout, {d_emb: d_z} if kind.feedforward.latent else {}
    work = flops(kind.feedforward.stages(setting["grouping"])["routed"]).xreplace(kind.axes(sharded(layout)))
    return cancel(work / (2 * communication.dispatched_bytes(layout).xreplace(latent).xreplace(kind.axes())))


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
    "cached bytes of one token in the whole model, each once",
    "byte",
    lambda s: decoder.kv_bytes_per_token(s.architecture, s.conventions),
    beside_values=_held,
)
define(
    "kv_cache_bytes",
    "cached bytes of one request of L tokens in the whole model, each once",
    "byte",
    lambda s: decoder.kv_cache_bytes(s.architecture, s.conventions),
    beside_values=lambda s: _held(s, L),
)
define(
    "state_bytes",
    "bytes of one request that do not grow with its context: recurrent states and inputs that wait",
    "byte",
    lambda s: decoder.state_bytes(s.architecture),
)
define(
    "phi",
    "bytes of caches and states that a step touches over those that requests keep",
    "1",
    _phi,
    beside_values=_phi_of_kinds,
)
_define_of_block(
    "core_attention_flops",
    "operations of core attention, per block and accelerator",
    "FLOP",
    lambda s, kind: _stage(s, "core", kind).flops,
)
_define_of_block(
    "core_attention_bytes",
    "bytes that core attention moves, per block and accelerator",
    "byte",
    lambda s, kind: _stage(s, "core", kind).bytes,
)
_define_of_block(
    "core_attention_intensity",
    "arithmetic intensity of core attention",
    "FLOP/byte",
    lambda s, kind: cancel(_stage(s, "core", kind).intensity),
)
_define_of_block(
    "kv_decompression_flops",
    "operations of KV decompression, or of the absorbed products in its place",
    "FLOP",
    lambda s, kind: _stage(s, "decompression", kind).flops,
)
_define_of_block(
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
    beside={
        "weights only": lambda s: roofline.weights_only(_expert(s)),
        "of an expert that is read": lambda s: _expert(s, read_expert).intensity,
    },
)
define("index_intensity", "arithmetic intensity of the index that picks rows", "FLOP/byte", _index_intensity)
define("state_intensity", "arithmetic intensity of the step of a recurrent state", "FLOP/byte", _state_intensity)
define(
    "wire_ratio",
    "operations of routed experts for each byte that is exchanged for them",
    "FLOP/byte",
    _wire_ratio,
    domain=needs_experts,
)
define(
    "stage_times",
    "roofline time of each stage on one accelerator, all blocks together",
    "s",
    stage_times,
    domain=_needs_both,
)
define(
    "ridge_by_stage", "arithmetic intensity of each stage over the ridge point", "1", ridge_by_stage, domain=_needs_both
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
    lambda s: roofline.B_MoE(own_width=s.architecture.expert_width),
    domain=_needs_experts_and_accelerator,
    beside={"activations counted": lambda s: roofline.B_MoE(True, s.architecture.expert_width)},
)
define(
    "B_RP",
    "batch at which every weight layer has reached the ridge",
    "requests",
    lambda s: roofline.B_RP(s.architecture.experts, s.architecture.expert_width),
    domain=_needs_both,
)
