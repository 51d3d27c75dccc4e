"""The layers of a decoder block in a setting: what each computes, moves, and takes on one accelerator."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from sympy import Expr, Integer, Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import roofline
from analysis.derive.block import Architecture, Conventions, Kind, head_kernel, last_streams
from analysis.derive.einsum import Counts
from analysis.derive.parallel import Layout, sharded
from analysis.derive.serving import PICKING, STAGES
from analysis.derive.symbols import BY_NAME, RP_acc
from analysis.systems.timing import at_rate, own_rate

ATTENTION = ("projections", "decompression", *PICKING, "core", "output")
TITLES = {
    "projections": "projections",
    "decompression": "KV decompression",
    "convolution": "short convolutions",
    "pool": "pooling into compressed rows",
    "index": "index scores",
    "select": "selection of rows",
    "core": "core attention",
    "output": "output projection",
    "dense": "dense FFN",
    "routed": "routed experts",
    "latent": "projections of latent experts",
    "shared": "shared expert",
    "router": "router",
    "streams": "residual streams",
    "streams_head": "residual streams, before the head",
    "head": "output head",
}
STATE = {False: "step of the state", True: "prompt through the state"}  # whether the step is a prompt
ABSORBED = "absorbed products"  # what takes the place of decompression once it is reordered


@dataclass(frozen=True)
class Layer:
    """One layer on one accelerator: kernels run one after another, their axes those of the accelerator.

    `rate` is the arithmetic peak of its part of the model over P_acc [1].
    """

    name: str
    title: str
    kernels: tuple[Counts, ...]
    rate: Expr = Integer(1)

    @property
    def flops(self) -> Expr:
        """Operations [FLOP]."""
        return sum((kernel.flops for kernel in self.kernels), Integer(0))

    @property
    def bytes(self) -> Expr:
        """Bytes between the accelerator and its memory [byte]."""
        return sum((kernel.bytes for kernel in self.kernels), Integer(0))

    @property
    def time(self) -> Expr:
        """Roofline time [s], each kernel limited by its own arithmetic or traffic."""
        return at_rate(sum((roofline.time(kernel) for kernel in self.kernels), Integer(0)), self.rate)


def layers(setting: Setting) -> dict[str, Layer]:
    """Every layer of the model's decoder block (and the output head) by stage, in the order of execution.

    A model with both dense blocks and blocks with experts has the layers of both, one with several kinds of
    attention those of the first kind under their stages' names, and those of the others with the kind before it.

    >>> list(layers(Setting.of(model="deepseek-v3")))
    ['projections', 'decompression', 'core', 'output', 'dense', 'routed', 'shared', 'router', 'head']
    >>> layers(Setting.of(model="deepseek-v3"))["decompression"].title
    'absorbed products'
    """
    return {name: layer for name, (layer, _) in _counted_in(setting).items()}


def _counted_in(setting: Setting) -> dict[str, tuple[Layer, Expr]]:
    return _counted(setting.architecture, setting.conventions, setting.layout, setting.own_rates)


@cache
def _counted(
    built: Architecture, conventions: Conventions, layout: Layout, apart: tuple[str, ...]
) -> dict[str, tuple[Layer, Expr]]:
    """Every layer, and how many blocks have it: kinds whose kernels are equal share one."""
    lead, head, shard = built.attending[0].name, Kind(Integer(1)), sharded(layout)
    kinds = [(kind, kind.stages(conventions, built.streamed)) for kind in (*built.attending, *built.without_attention)]
    kinds.append((head, {"streams_head": last_streams(built, conventions.grouping), "head": (head_kernel(),)}))
    found: dict[str, tuple[Layer, Expr]] = {}
    for stage in STAGES:
        for kind, stages in kinds:
            kernels = tuple(each.at(kind.axes(shard)) for each in stages.get(stage, ()))
            if not kernels:
                continue
            twin = next((name for name, (layer, _) in found.items() if layer.kernels == kernels), None)
            own = kind.name != lead and (stage in ATTENTION or stage in found)
            name = twin or (f"{slug(kind.name)}_{stage}" if own else stage)
            title = title_of(stage, kind, conventions) + (f", {kind.name}" if own else "")
            layer, blocks = found.get(name, (Layer(name, title, kernels, own_rate(stage, apart)), Integer(0)))
            found[name] = layer, blocks + kind.blocks
    return found


def slug(name: str) -> str:
    """A name of attention as the beginning of a layer's.

    >>> slug("GQA sliding")
    'gqa_sliding'
    """
    return re.sub(r"\W", "_", name).lower()


def title_of(stage: str, kind: Kind, conventions: Conventions) -> str:
    """A stage of a kind of block in words."""
    if stage == "decompression" and kind.mechanism.in_order(conventions.order) == "reordered":
        return ABSORBED
    return STATE[conventions.prompt] if stage == "core" and not kind.mechanism.cache else TITLES[stage]


def block_counts(setting: Setting) -> dict[str, Expr]:
    """How many blocks have each of the model's layers [1]; the output head counts once."""
    return {name: blocks for name, (_, blocks) in _counted_in(setting).items()}


def stage_times(setting: Setting) -> dict[str, Expr]:
    """Roofline time of each layer in all blocks that have it [s]."""
    return {name: blocks * layer.time for name, (layer, blocks) in _counted_in(setting).items()}


def core_times(setting: Setting) -> dict[str, Expr]:
    """Roofline time [s] of each layer, by title, that the term `core_attention` of TPOT holds.

    >>> list(core_times(Setting.of(model="deepseek-v3.2")))
    ['index scores', 'selection of rows', 'core attention']
    """
    times, titles = stage_times(setting), layers(setting)
    return {titles[name].title: time for name, time in times.items() if name.endswith((*PICKING, "core"))}


def beside_core(titles: Iterable[str]) -> list[str]:
    """Those of the titles that are no attention to rows: an index, a state, convolutions."""
    return [each for each in titles if not each.startswith(TITLES["core"])]


def ridge_by_stage(setting: Setting) -> dict[str, Expr]:
    """Arithmetic intensity of each layer over the ridge point of its arithmetic [1]: from 1 on it computes."""
    found = layers(setting).items()
    return {name: layer.flops / layer.bytes / (layer.rate * RP_acc) for name, layer in found}


def attention_layers(setting: Setting) -> dict[str, Layer]:
    """The layers of the attention half of a block, of full attention where the model has such blocks."""
    return {name: layer for name, layer in layers(setting).items() if name in ATTENTION}


def swept(setting: Setting, **arrays) -> dict[Symbol, object]:
    """The setting's point with some parameters replaced by arrays of any shape (they broadcast).

    In prefill, l follows a swept L unless l was given.

    >>> swept(Setting.of(L=8, phase="prefill"), L=16)[BY_NAME["l"]]
    16
    """
    follows = {"l": arrays["L"]} if "L" in arrays and setting["l"] is None and setting["phase"] == "prefill" else {}
    point = setting.point | {BY_NAME[name]: given for name, given in (follows | arrays).items()}
    if "deg_TP" in arrays and setting["deg_DP"] is None:
        point[BY_NAME["deg_DP"]] = point[BY_NAME["n_acc"]] / arrays["deg_TP"]
    return point


def numbers(layer: Layer, point: Mapping[Symbol, object]) -> dict[str, object]:
    """FLOPs, bytes, arithmetic intensity [FLOP/byte] and time [s] of a layer at a point.

    Raises InputError for a symbol that the point does not give.
    """
    counts = {"flops": value(layer.flops, point), "bytes": value(layer.bytes, point), "time": value(layer.time, point)}
    return counts | {"intensity": counts["flops"] / counts["bytes"]}


def attention_time(setting: Setting, point: Mapping[Symbol, object]):
    """Roofline time of one attention block on one accelerator [s], projections included, over arrays."""
    return sum(value(layer.time, point) for layer in attention_layers(setting).values())


def shares(setting: Setting) -> dict[str, float]:
    """Share of each attention layer in the time of the attention block [1], by title."""
    times = {layer.title: numbers(layer, setting.point)["time"] for layer in attention_layers(setting).values()}
    return {title: time / sum(times.values()) for title, time in times.items()}
