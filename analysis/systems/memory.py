"""What a model holds and what a token touches: parameters and bytes by kind; and whether a batch fits memory."""

from collections.abc import Mapping

from sympy import Expr, Integer, Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import decoder
from analysis.derive.block import over_blocks
from analysis.derive.capacity import memory_used
from analysis.derive.symbols import M_cap, n_acc

KINDS = ("attention", "dense", "routed", "shared", "other", "cache")
KIND_TITLES = {
    "attention": "attention weights",
    "dense": "dense FFN",
    "routed": "routed experts",
    "shared": "shared experts",
    "other": "embedding, head, router, norms",
    "cache": "KV cache",
}


def weight_elements_by_kind(setting: Setting) -> dict[str, Expr]:
    """Weight elements of the whole model by kind, each once [1]; `other` is what remains of the total."""
    architecture = setting.architecture
    stages = decoder.feedforward_weights(architecture)
    named = {"attention": over_blocks(architecture, decoder.attention_weights)}
    named |= {kind: stages.get(kind, Integer(0)) for kind in ("dense", "routed", "shared")}
    return named | {"other": decoder.parameters(architecture) - sum(named.values(), Integer(0))}


def memory_by_kind(setting: Setting, tokens: float) -> dict[str, float]:
    """Bytes by kind: every weight once, and the cache of `tokens` tokens [byte] (the paper's Fig. 4).

    With windowed blocks these are tokens of requests as long as the setting's L.

    >>> found = memory_by_kind(Setting.of(model="deepseek-v3"), 8e6)
    >>> round(found["cache"] / 1e9), round(found["routed"] / 1e9)
    (562, 1308)
    """
    held = weight_elements_by_kind(setting).items()
    found = {kind: elements * decoder.weight_width(setting.architecture, kind) for kind, elements in held}
    cache = cached_bytes_per_token(setting) * tokens
    return {kind: float(value(elements, setting.point)) for kind, elements in found.items()} | {"cache": cache}


def cached_bytes_per_token(setting: Setting) -> float:
    """Cached bytes of one token in all blocks [byte]; with windowed blocks the mean over a context of L tokens."""
    return float(value(decoder.kv_bytes_per_token(setting.architecture, setting.conventions), setting.point))


def parameters_held_and_touched(setting: Setting) -> tuple[float, float]:
    """Parameters of the model, and those that one token touches [1] (output head counted, embedding table not)."""
    forms = decoder.parameters(setting.architecture), decoder.active_parameters(setting.architecture)
    held, touched = (float(value(form, setting.point)) for form in forms)
    return held, touched


def memory_per_accelerator(setting: Setting, point: Mapping[Symbol, object]):
    """Bytes that one accelerator stores, over arrays [byte]; replicas that TP and DP make are counted (Eq. 11)."""
    used = memory_used(setting.architecture, setting.conventions, layout=setting.layout)
    return value(used / n_acc, point)


def fits(setting: Setting, point: Mapping[Symbol, object]):
    """Whether the weights, the cache and the activations of one block fit each accelerator, over arrays.

    The contraction order matters: as printed, the decompressed keys and values of one block are stored too.
    Raises InputError for a symbol that the point does not give.
    """
    return memory_per_accelerator(setting, point) <= value(M_cap, point)
