"""Taking values out of a config.json, and remembering for every value the key that it came from."""

from dataclasses import dataclass, field

from analysis.errors import InputError, choices
from analysis.evaluate.own_text import shown

LARGEST = 10**9  # of a dimension, a vocabulary, a context
_NEEDED = object()


@dataclass(frozen=True)
class Found:
    """A value, and where it came from: a key of the file, or a reason."""

    name: str
    value: object
    origin: str
    inferred: bool = False

    def __str__(self) -> str:
        return f"{self.name} = {self.value}{': ' if self.inferred else ' from '}{self.origin}"


@dataclass
class Keys:
    """The text decoder's keys (`inner`), the file's other keys (`outer`), and what has been read so far."""

    place: str
    inner: dict
    outer: dict = field(default_factory=dict)
    prefix: str = ""
    found: list[Found] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)

    def peek(self, key: str):
        """The raw value under a key, the text decoder's first; None where it is absent or null."""
        self.touched.add(key)
        value = self.inner.get(key)
        return self.outer.get(key) if value is None and key not in self.inner else value

    def stated(self, key: str) -> bool:
        """Whether the file has this key at all, be it null."""
        return key in self.inner or key in self.outer

    def count(self, name: str, *keys: str, default=_NEEDED, least: int = 1):
        """A whole number from the first key present, else `default`. Raises InputError for any other value."""
        for key in keys:
            value = self.peek(key)
            if value is not None:
                return self._keep(name, self._whole(key, value, least), key)
        if default is _NEEDED:
            raise InputError(
                f"{self.place}: found no key {choices(keys)} (for {name}), "
                f"allowed is a whole number from {least}; add it."
            )
        return default

    def flag(self, name: str, key: str, default: bool) -> bool:
        """True or false under a key, else `default`. Raises InputError for any other value."""
        value = self.peek(key)
        if value is None:
            return self.infer(name, default, f"{key} is absent, and the model type takes this")
        if not isinstance(value, bool):
            raise InputError(f"{self.place}, key {key}: found {shown(value)}, allowed are true, false; correct it.")
        return self._keep(name, value, key)

    def sequence(self, key: str, length: int, allowed) -> list | None:
        """The first `length` entries of a list under a key, each one of `allowed`; None where absent or empty."""
        value = self.peek(key)
        if value is None or value == []:
            return None
        if not isinstance(value, list) or len(value) < length:
            raise InputError(
                f"{self.place}, key {key}: found {shown(value)}, "
                f"allowed is a list of {length} entries, one per block; correct it."
            )
        for entry in value[:length]:  # entries beyond are those of multi-token-prediction layers
            if isinstance(entry, bool) or not isinstance(entry, str | int) or entry not in allowed:
                raise InputError(
                    f"{self.place}, key {key}: found {shown(entry)}, allowed are {choices(allowed)}; "
                    "a row cannot hold anything else."
                )
        return value[:length]

    def positions(self, key: str, blocks: int) -> list[int] | None:
        """Block numbers (from 0) under a key; None where absent."""
        value = self.peek(key)
        if value is None:
            return None
        if not isinstance(value, list):
            raise InputError(f"{self.place}, key {key}: found {shown(value)}, allowed is a list of block numbers.")
        return [self._whole(key, each, 0, blocks - 1) for each in value]

    def infer(self, name: str, value, why: str):
        """Note a value that no key gives, and why it is taken."""
        self.found.append(Found(name, value, why, inferred=True))
        return value

    def unused(self, harmless) -> list[str]:
        """Keys that were neither read nor are known to leave the row as it is."""
        known = self.touched | harmless
        left = [key for key, value in self.inner.items() if key not in known and value is not None]
        return sorted(ascii(key)[1:-1][:60] for key in left)

    def _keep(self, name: str, value, key: str):
        prefix = self.prefix if key in self.inner else ""
        self.found.append(Found(name, value, prefix + key))
        return value

    def _whole(self, key: str, value, least: int, most: int = LARGEST) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InputError(
                f"{self.place}, key {self.prefix}{key}: found {shown(value)}, "
                f"allowed is a whole number from {least} to {most}; correct it."
            )
        return value
