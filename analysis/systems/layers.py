"""The layers of a decoder block in a setting: what each computes, moves, and takes on one accelerator."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sympy import Expr, Integer, Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import decoder, roofline
from analysis.derive.block import Architecture, Conventions, Stages, attention_stages, feedforward_stages, head_kernel
from analysis.derive.einsum import Counts
from analysis.derive.parallel import Layout, sharded
from analysis.derive.serving import PICKING
from analysis.derive.symbols import BY_NAME, n_dec

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
    "head": "output head",
}
WINDOWED = "windowed_"  # begins the name of a layer of a windowed block that differs from its twin in a full one
ABSORBED = "absorbed products"  # what takes the place of decompression once it is reordered


@dataclass(frozen=True)
class Layer:
    """One layer on one accelerator: kernels run one after another, their axes those of the accelerator."""

    name: str
    title: str
    kernels: tuple[Counts, ...]

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
        return sum((roofline.time(kernel) for kernel in self.kernels), Integer(0))


def layers(setting: Setting) -> dict[str, Layer]:
    """Every layer of the model's decoder block (and the output head) by stage, in the order of execution.

    A model with both dense blocks and blocks with experts has the layers of both, one with windowed blocks besides full
    ones the layers that the window changes too.

    >>> list(layers(Setting.of(model="deepseek-v3")))
    ['projections', 'decompression', 'core', 'output', 'dense', 'routed', 'shared', 'router', 'head']
    >>> layers(Setting.of(model="deepseek-v3"))["decompression"].title
    'absorbed products'
    """
    return dict(_layers(setting.architecture, setting.conventions, setting["grouping"], setting.layout))


@cache
def _layers(built: Architecture, conventions: Conventions, grouping: str, layout: Layout) -> dict[str, Layer]:
    attention, *rest = (attention_stages(kind.mechanism, conventions) for kind in built.attending)
    stages: Stages = attention | feedforward_stages(built, grouping) | {"head": (head_kernel(),)}
    shard = sharded(layout)
    found: dict[str, Layer] = {}
    for name, kernels in stages.items():
        if kernels:
            found[name] = Layer(name, _title(name, conventions), tuple(each.at(shard) for each in kernels))
        for others in rest:
            within = tuple(each.at(shard) for each in others.get(name, ()))
            if within and within != found[name].kernels:
                found[WINDOWED + name] = Layer(WINDOWED + name, f"{_title(name, conventions)}, windowed", within)
    return found


def _title(name: str, conventions: Conventions) -> str:
    return ABSORBED if name == "decompression" and conventions.order == "reordered" else TITLES[name]


def block_counts(setting: Setting) -> dict[str, Expr]:
    """How many blocks have each of the model's layers [1]; the output head counts once."""
    built, found = setting.architecture, layers(setting)
    counts = decoder.block_counts(built) | dict.fromkeys(ATTENTION, n_dec) | {"head": Integer(1)}
    for twin in [name for name in found if name.startswith(WINDOWED)]:
        full, within = built.attending
        counts |= {twin.removeprefix(WINDOWED): full.blocks, twin: within.blocks}
    return {name: counts[name] for name in found}


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
