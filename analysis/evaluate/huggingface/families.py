"""What a `model_type` means, as data/families.yml says: one entry per type of text decoder."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).resolve().parents[3] / "data" / "families.yml"
ADDED = ("keys", "defaults", "only")  # what an entry adds to the one that it is like
ASK = "ASK"  # in the place of a default: there is none, the file must say it


@dataclass(frozen=True)
class Family:
    """How one `model_type` is built, as far as its configuration file does not say."""

    year: int
    attention: str = "heads"
    kv_heads: str = "stated"
    windows: str = "full"
    experts: str = "none"
    shared: str = "none"
    ffn: str = "gated"
    positions: int | None = None
    sparse: bool = False
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: dict[str, object] = field(default_factory=dict)
    vectors: str = ""
    switched: dict[str, str] = field(default_factory=dict)
    only: dict[str, object] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    omits: tuple[str, ...] = ()


def _entry(entries: dict[str, dict], name: str) -> dict:
    own = entries[name]
    base = _entry(entries, own["like"]) if "like" in own else {}
    sums = {part: base.get(part, {}) | own[part] for part in ADDED if part in own}
    sums["ignored"] = [*base.get("ignored", ()), *own.get("ignored", ())]
    return base | own | sums


def _family(entry: dict) -> Family:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    values["defaults"] = {key: value for key, value in entry.get("defaults", {}).items() if value != ASK}
    values["keys"] = {symbol: tuple(keys.split()) for symbol, keys in entry.get("keys", {}).items()}
    return Family(**{name: value for name, value in values.items() if name != "like"})


@cache
def _file() -> dict:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@cache
def families() -> dict[str, Family]:
    """Every known type of text decoder.

    >>> families()["qwen3"].defaults["head_dim"]
    128
    """
    entries = _file()["families"]
    return {name: _family(_entry(entries, name)) for name in entries}


def wrappers() -> dict[str, str]:
    """Types of several towers, with the type of the text decoder where the file leaves it out."""
    return _file()["wrappers"]


def refused() -> dict[str, str]:
    """Types that no row can hold, and why."""
    return _file()["refused"]


@cache
def harmless() -> frozenset[str]:
    """Keys that change no size in any type."""
    return frozenset(_file()["harmless"].split())


@cache
def parts() -> frozenset[str]:
    """Words of which one in a key says that it speaks of a part of the model."""
    return frozenset(_file()["parts"].split())
