"""The kinds of block of a model in a setting: how many there are, what each stores, touches and takes."""

from dataclasses import dataclass, fields

from sympy import Add, Expr, Integer

from analysis.ask.setting import Setting
from analysis.derive import decoder, mechanisms
from analysis.derive.block import Kind
from analysis.derive.parallel import sharded
from analysis.derive.symbols import B, deg_EP
from analysis.systems import system
from analysis.systems.timing import timing

FEED_FORWARD = {True: "experts", False: "dense FFN"}


@dataclass(frozen=True)
class KindOfBlock:
    """All blocks of a kind together: `weights` on one accelerator [byte]; what of a request is `kept` in them, and what
    a step `touched` of that, no replica counted [byte]; `time` of their kernels per output token [s].

    Of a model whose row does not say which mixer goes with which feed-forward half, each kind is half a block.
    """

    title: str
    blocks: Expr
    weights: Expr
    kept: Expr
    touched: Expr
    time: Expr

    def __add__(self, other: "KindOfBlock") -> "KindOfBlock":
        """Blocks of both, which must bear one title."""
        counted = (each.name for each in fields(self) if each.name != "title")
        return KindOfBlock(self.title, *(getattr(self, name) + getattr(other, name) for name in counted))


def block_kinds(setting: Setting) -> list[KindOfBlock]:
    """The kinds of block of the setting's model, as its row lists them; those of one title together.

    >>> [(each.title, each.blocks) for each in block_kinds(Setting.of(model="qwen3-next-80b-a3b"))][1]
    ('gated delta network, experts', 36)
    """
    found: dict[str, KindOfBlock] = {}
    for kind in setting.architecture.kinds:
        each = _counted(setting, kind)
        found[each.title] = found[each.title] + each if each.title in found else each
    return list(found.values())


def _counted(setting: Setting, kind: Kind) -> KindOfBlock:
    conventions, mixer = setting.conventions, kind.mechanism
    moved, stored = (
        (mechanisms.touched(mixer, conventions), mechanisms.stored(mixer, conventions)) if mixer else (Integer(0),) * 2
    )
    kept, touched = ((kind.blocks * each).xreplace(kind.axes() | {B: Integer(1)}) for each in (stored, moved))
    return KindOfBlock(_title(kind), kind.blocks, _weights(setting, kind), kept, touched, _time(setting, kind))


def _title(kind: Kind) -> str:
    band = kind.name.partition(" ")[2] or kind.name * (kind.name == "windowed")
    mixer = kind.mechanism and f"{kind.mechanism.title}{f', {band}' if band else ''}"
    return ", ".join(each for each in (mixer, kind.feedforward and FEED_FORWARD[kind.feedforward.experts]) if each)


def _weights(setting: Setting, kind: Kind) -> Expr:
    axes, experts = sharded(setting.layout), setting.layout.slots / deg_EP
    parts = {"attention": decoder.attention_weights(kind, axes)} if kind.mechanism else {}
    if kind.feedforward:
        parts |= {stage: decoder.half_weights(kind, stage, experts, axes) for stage in kind.feedforward.stages()}
    if setting.architecture.streamed:
        parts["streams"] = decoder.kind_stream_weights(kind, axes)
    widths = {part: decoder.weight_width(setting.architecture, part) for part in parts}
    return kind.blocks * Add(*(elements * widths[part] for part, elements in parts.items()))


def _time(setting: Setting, kind: Kind) -> Expr:
    stages = kind.stages(setting.conventions, setting.architecture.streamed)
    takes, shard = timing(setting).kernel, kind.axes(sharded(setting.layout))
    kernels = (takes(each.at(shard), kind.timed(stage)) for stage, every in stages.items() for each in every)
    return kind.blocks * Add(*kernels) / system.tokens_per_step(setting)
