"""In what widths a model's files hold its weights and ask for its cache, as far as a configuration says.

Bytes of an element with its share of a scale, where a group of elements has one; scales of square blocks, channels and
tensors are under a thousandth and left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from analysis.files import text
from analysis.files.errors import InputError
from analysis.huggingface.blocks import Block
from analysis.huggingface.formats import named_of, number_of, shared_by, width_of
from analysis.huggingface.keys import Keys
from analysis.huggingface.modules import left_wide, part_of

STATED = ("quantization_config", "quantization", "compression_config")
BITS = ("bits", "w_bit", "wbits", "nbits", "num_bits", "weight_bits")
GROUP = ("group_size", "q_group_size")
CACHE = ("kv_cache_scheme", "kv_cache_quant_algo", "kv_cache_dtype", "kv_cache_quant_config")
TYPES = ("mode", "quant_algo", "quant_method", "quant_type", "weights", "weight_dtype", "weights_dtype")
WIDE = ("", "auto", "none", "bfloat16", "float16", "bf16", "fp16")  # a cache that is not quantised


@dataclass(frozen=True)
class Stored:
    """Columns of the row (width_weights, width_experts, width_kv, as far as said), and sentences for the reader."""

    columns: dict[str, float | None] = field(default_factory=dict)
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scheme:
    """Bytes of a weight of these parts (none named: of every matrix)."""

    width: float
    said: str
    parts: frozenset[str] = frozenset()


def stored(keys: Keys, blocks: Sequence[Block]) -> Stored:
    """The widths that a configuration states, and what it leaves at 16 bit."""
    said = _stated(keys)
    cache = _cache(keys, said)
    weights = _weights(keys, said, blocks)
    return Stored(weights.columns | cache.columns, weights.told + cache.told)


def _stated(keys: Keys) -> dict:
    """What the file says about quantisation under any of its keys, a level of nesting laid flat."""
    said = {}
    for each in [_mapping(keys, key) for key in STATED]:
        said |= {name: value for name, value in each.items() if value is not None}
    if isinstance(nested := said.get("quantization"), dict):
        said |= nested
    mlx = isinstance(own := keys.peek("quantization"), dict) and "bits" in own
    return {"quant_method": "mlx"} | said if mlx else said


def _mapping(keys: Keys, key: str) -> dict:
    value = keys.peek(key)
    if not isinstance(value, dict | None):
        raise InputError(
            f"{keys.place}, key {key}: found {text.shown(value)}, allowed is a mapping that states a method and "
            "its settings; give the file as published."
        )
    return value or {}


def shown(found) -> str:
    return text.shown(found).strip("'")


def _first(said: dict, names):
    return next((said[name] for name in names if said.get(name) is not None), None)


# -- weights -------------------------------------------------------------------------------------
def _weights(keys: Keys, said: dict, blocks: Sequence[Block]) -> Stored:
    schemes = list(_schemes(said))
    if isinstance(kind := said.get("expert_dtype") or keys.peek("expert_dtype"), str) and named_of(kind):
        schemes.append(Scheme(width_of(*named_of(kind)), f"expert_dtype {shown(kind)}", frozenset(["routed experts"])))
    if not schemes:
        return Stored(told=(_unknown(said),)) if _quantised(said) else Stored()
    left = left_wide(said, blocks, frozenset().union(*(scheme.parts for scheme in schemes)))
    columns = _columns(schemes, left, any(block.experts for block in blocks))
    numbers = " ".join(f"{name}={width:g}" for name, width in columns.items())
    kinds = "; ".join(dict.fromkeys(scheme.said for scheme in schemes))
    rest = ", ".join(f"{part} ({where})" if where else part for part, where in left.items())
    aside = ", though width_weights counts them too" if left and "width_weights" in columns else ""
    return Stored(columns, (f"quantised weights ({kinds}): {numbers}; left at 16 bit{aside}: {rest or 'nothing'}",))


def _quantised(said: dict) -> bool:
    """Whether the file asks for narrower weights at all: bitsandbytes may be named and switched off."""
    return bool(set(said) - set(CACHE)) and said.get("quant_method") != "bitsandbytes"


def _unknown(said: dict) -> str:
    method = said.get("quant_method") or said.get("quant_algo") or "by a method without a name"
    return f"quantised weights ({shown(method)}): their width is not known here; give width_weights= as you know it"


def _schemes(said: dict) -> Iterator[Scheme]:
    if isinstance(groups := said.get("config_groups"), dict) and groups:
        for group in groups.values():
            yield from _of_group(group, said)
    elif isinstance(layers := said.get("quantized_layers"), dict) and layers:
        yield from _of_layers(layers)
    elif isinstance(settings := said.get("global_quant_config"), dict):
        yield from _of_quark(settings)
    else:
        yield from _of_method(said)


def _of_layers(layers: dict) -> Iterator[Scheme]:
    """ModelOpt's mixed precision: an algorithm for each module."""
    parts: dict[str, set[str]] = {}
    for module, each in layers.items():
        if isinstance(each, dict) and (part := part_of(str(module))):
            parts.setdefault(str(each.get("quant_algo")), set()).add(part)
    for algorithm, named in parts.items():
        if kind := named_of(algorithm):
            yield Scheme(width_of(*kind), f"{shown(algorithm)}: {', '.join(sorted(named))}", frozenset(named))


def _of_group(group, said: dict) -> Iterator[Scheme]:
    """compressed-tensors and ModelOpt: bits and group by targets."""
    weights = group.get("weights") if isinstance(group, dict) else None
    bits = number_of(weights.get("num_bits")) if isinstance(weights, dict) else None
    if bits is None:
        return
    size = weights.get("group_size")
    small = weights.get("type") == "float" and bits == 4
    zero = bits if weights.get("symmetric") is False else 0
    targets = group.get("targets") if isinstance(group.get("targets"), list) else []
    named = frozenset(part for target in targets for part in [part_of(str(target))] if part)
    method = shown(said.get("quant_algo") or said.get("quant_method") or "config_groups")
    of = f": {', '.join(sorted(named))}" if named else ""
    yield Scheme(width_of(bits, size, 8 if small else 16 + zero), f"{method}, {bits:g} bit{shared_by(size)}{of}", named)


def _of_quark(settings: dict) -> Iterator[Scheme]:
    weight = settings.get("weight")
    weight = weight[0] if isinstance(weight, list) and weight else weight
    kind = named_of(weight.get("dtype")) if isinstance(weight, dict) else None
    if kind:
        size = weight.get("group_size") or kind[1]
        yield Scheme(width_of(kind[0], size, kind[2] or 16), f"quark, {shown(weight['dtype'])}{shared_by(size)}")


def _of_method(said: dict) -> Iterator[Scheme]:
    """Methods that state bits, and methods whose name, or whose type of weights, says them."""
    method = str(said.get("quant_method", "")).lower()
    title = shown(said.get("quant_algo") or said.get("quant_method") or "bits")
    bits, size = number_of(_first(said, BITS)), _first(said, GROUP)
    if method == "bitsandbytes":
        bits, size = (4 if said.get("load_in_4bit") else 8 if said.get("load_in_8bit") else None), 0
    named = next((kind for name in TYPES if (kind := named_of(said.get(name)))), None)
    if bits is not None and not named_of(said.get("mode")):
        second = {"mlx": 16, "awq": bits, "gptq": bits}.get(method, 0)  # a zero or an offset beside the scale
        yield Scheme(width_of(bits, size, 16 + second), f"{title}, {bits:g} bit{shared_by(size)}")
    elif named:
        own = named[1] or size
        yield Scheme(width_of(named[0], own, named[2] or 16), f"{title}, {named[0]:g} bit{shared_by(own)}")


def _columns(schemes: list[Scheme], left: dict, routed: bool) -> dict[str, float]:
    """The width of routed experts apart from that of the other weights, where they differ."""
    experts = [s.width for s in schemes if "routed experts" in s.parts] or [s.width for s in schemes if not s.parts]
    others = [s.width for s in schemes if s.parts - {"routed experts", "output head"} or not s.parts]
    widths = {"width_weights": None if routed and left.get("attention") == "all blocks" else _first_of(others)}
    if routed:
        widths["width_experts"] = 2.0 if left.get("routed experts") == "all blocks" else _first_of(experts)
    if widths.get("width_experts") == widths["width_weights"]:
        widths.pop("width_experts", None)
    return {name: width for name, width in widths.items() if width}


def _first_of(widths: list[float]) -> float | None:
    return widths[0] if widths else None


# -- the cache -----------------------------------------------------------------------------------
def _cache(keys: Keys, said: dict) -> Stored:
    for key in CACHE:
        value = said.get(key) if said.get(key) is not None else keys.peek(key)
        if value in (None, {}) or str(value).lower() in WIDE:
            continue
        width = _cache_width(value)
        if width:
            return Stored({"width_kv": width}, (f"quantised cache ({key}): width_kv={width:g}",))
        asked = "is not known here; give width_kv= as you know it"
        return Stored(told=(f"quantised cache ({key}): {shown(value)} {asked}",))
    return Stored()


def _cache_width(value) -> float | None:
    if isinstance(value, dict):
        bits = number_of(value.get("num_bits"))
        if bits is not None:
            return width_of(bits, value.get("group_size"), 8 if bits == 4 else 16)
        return _cache_width(value.get("dtype")) if isinstance(value.get("dtype"), str) else None
    kind = named_of(value)
    return width_of(*kind) if kind else None
