"""Quantities of a block and its stages (the paper's Sections II to V): core attention, experts, ridge points.

Sympy, and what needs it, is imported late: numbers of kept forms do without.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from analysis import derive
from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.systems.quantity import define, needs_accelerator, needs_experts, needs_model

if TYPE_CHECKING:  # numbers of kept forms do without
    from sympy import Expr

    from analysis.derive.block import Kind
    from analysis.derive.einsum import Counts, Kernel
    from analysis.derive.parallel import Layout, Substitution


def _counted(name: str, kernels: "tuple[Kernel, ...]", axes: "Substitution") -> "Counts":
    """FLOPs and bytes of kernels over these axes."""
    of = derive.block
    return derive.einsum.Counts(name, of.flops(kernels).xreplace(axes), of.bytes_moved(kernels).xreplace(axes))


def _stage(setting: Setting, stage: str, kind: "Kind") -> "Counts":
    """FLOPs and bytes of one attention stage on one accelerator."""
    kernels = derive.block.attention_stages(kind.mechanism, setting.conventions)[stage]
    return _counted(stage, kernels, kind.axes(derive.parallel.sharded()))


def attention_block_time(setting: Setting, kind: "Kind") -> "Expr":
    """Roofline time of one attention block on one accelerator [s], kernels one after another."""
    from analysis.systems.timing import timing

    stages = derive.block.attention_stages(kind.mechanism, setting.conventions)
    takes, shard = timing(setting).kernel, kind.axes(derive.parallel.sharded())
    times = (takes(each.at(shard), kind.timed(stage)) for stage, kernels in stages.items() for each in kernels)
    return sum(times)


def _define_of_block(name: str, title: str, unit: str, form: "Callable[[Setting, Kind], Expr]", **more) -> None:
    """Define a quantity of one attention block: of full attention where the model has any, a windowed one beside it."""

    def largest(setting: Setting) -> "Expr":
        return form(setting, setting.architecture.attending[0])

    def beside(setting: Setting) -> "dict[str, Expr]":
        lead, *others = setting.architecture.attending
        apart = {each.name: each for each in others if each.name != lead.name}
        return {f"in a {name} block": form(setting, each) for name, each in apart.items()}

    define(name, title, unit, largest, beside_forms=beside, of_block=True, **more)


def _expert(setting: Setting, alone: "Callable[[Layout], Substitution] | None" = None) -> "Counts":
    kind = _with_experts(setting)
    kernels = kind.feedforward.stages(setting["grouping"])["routed"]
    return _counted("expert", kernels, kind.axes((alone or derive.parallel.single_expert)(setting.layout)))


def _first(setting: Setting, has: "Callable[[Kind], object]", what: str) -> "Kind":
    """The first kind of block that has something. Raises InputError for a model of which none has it."""
    found = next((kind for kind in setting.architecture.kinds if has(kind)), None)
    if found is None:
        raise InputError(
            f"model={setting.model.id}: no kind of its blocks has {what}, so this quantity does not exist for it; "
            "choose another model (`python -m analysis models` lists their mechanisms)."
        )
    return found


def _index_intensity(setting: Setting) -> "Expr":
    picks = _first(setting, lambda k: k.mechanism and "index" in k.mechanism.more_text, "an index that picks rows")
    return _stage(setting, "index", picks).intensity


def _state_intensity(setting: Setting) -> "Expr":
    recurs = _first(
        setting, lambda k: k.mechanism and not k.mechanism.cache_text, "a recurrent state in place of a cache"
    )
    return _stage(setting, "core", recurs).intensity.cancel()


def _with_experts(setting: Setting) -> "Kind":
    needs_experts(setting)
    return _first(setting, lambda kind: kind.feedforward and kind.feedforward.experts, "routed experts")


def _wire_ratio(setting: Setting) -> "Expr":
    """FLOPs of the routed experts of a block over bytes of one dispatch and one combine."""
    kind = _with_experts(setting)
    of, kernels = derive.symbols, kind.feedforward.stages(setting["grouping"])["routed"]
    layout, latent = setting.layout, {of.d_emb: of.d_z} if kind.feedforward.latent else {}
    work = derive.block.flops(kernels).xreplace(kind.axes(derive.parallel.sharded(layout)))
    sent = derive.communication.dispatched_bytes(layout).xreplace(latent).xreplace(kind.axes())
    return (work / (2 * sent)).cancel()


def _stage_times(setting: Setting) -> "dict[str, Expr]":
    from analysis.systems.layers import stage_times

    return stage_times(setting)


def _ridge_by_stage(setting: Setting) -> "dict[str, Expr]":
    from analysis.systems.layers import ridge_by_stage

    return ridge_by_stage(setting)


def _needs_experts_and_accelerator(setting: Setting) -> None:
    needs_experts(setting)
    needs_accelerator(setting)


def _needs_both(setting: Setting) -> None:
    needs_model(setting)
    needs_accelerator(setting)


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
    lambda s, kind: _stage(s, "core", kind).intensity.cancel(),
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
        "weights only": lambda s: derive.roofline.weights_only(_expert(s)),
        "of an expert that is read": lambda s: _expert(s, derive.parallel.read_expert).intensity,
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
    _stage_times,
    domain=_needs_both,
)
define(
    "ridge_by_stage",
    "arithmetic intensity of each stage over the ridge point",
    "1",
    _ridge_by_stage,
    domain=_needs_both,
)
define(
    "ridge_point",
    "arithmetic peak over memory bandwidth",
    "FLOP/byte",
    lambda s: derive.roofline.ridge_point(),
    domain=needs_accelerator,
)
define(
    "B_attn",
    "batch at which dense projections reach the ridge",
    "requests",
    lambda s: derive.roofline.B_attn(),
    domain=needs_accelerator,
)
define(
    "B_MoE",
    "batch at which routed experts reach the ridge",
    "requests",
    lambda s: derive.roofline.B_MoE(own_width=s.architecture.expert_width),
    domain=_needs_experts_and_accelerator,
    beside={"activations counted": lambda s: derive.roofline.B_MoE(True, s.architecture.expert_width)},
)
define(
    "B_RP",
    "batch at which every weight layer has reached the ridge",
    "requests",
    lambda s: derive.roofline.B_RP(s.architecture.experts, s.architecture.expert_width),
    domain=_needs_both,
)
