"""Taking typed values out of a config.json, and remembering for every value the key that it came from.

A key that is absent stands for what the class of the model type takes (data/families.yml), and where that is not known
it is asked for; `null` stands for none. A key of the file that speaks of a part and was not read is refused.
"""

import re
from dataclasses import dataclass, field, replace

from analysis.files.errors import InputError, choices
from analysis.files.text import shown
from analysis.huggingface.families import SPELLINGS, Family, harmless, parts

LARGEST = 10**9  # of a dimension, a vocabulary, a context
MOST_DRAFTING = 64  # entries of a list beyond the blocks, which speak of multi-token prediction
_NEEDED = object()

DECODERS_ONLY = ("expert", "moe", "kv", "latent", "rank", "mamba", "ssm", "sparse")  # beside towers, which have none
SAYS_NOTHING = (None, False, 0, "", [], {})


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
    family: Family
    model_type: str
    outer: dict = field(default_factory=dict)
    prefix: str = ""
    found: list[Found] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)

    def peek(self, key: str):
        """The raw value under a key, the text decoder's first; where it is absent what the class takes, else None."""
        self.touched.add(key)
        if not self.stated(key):
            return self.family.defaults.get(key)
        return self.inner[key] if key in self.inner else self.outer[key]

    def stated(self, key: str) -> bool:
        """Whether the file has this key at all, be it null."""
        return key in self.inner or key in self.outer

    def spellings(self, name: str) -> tuple[str, ...]:
        """The keys that may hold a size in this model type."""
        return self.family.keys.get(name) or SPELLINGS.get(name, (name,))

    def spelled(self, own: dict[str, tuple[str, ...]]) -> "Keys":
        """The same keys, of which some sizes are spelled otherwise where the file or its class says them so.

        What is read from either is remembered in both.
        """
        said = {size: keys for size, keys in own.items() if any(self.peek(key) is not None for key in keys)}
        return replace(self, family=replace(self.family, keys=self.family.keys | said)) if said else self

    def count(self, name: str, null=_NEEDED, least: int = 1):
        """A size: a whole number from `least`, or `null` where the file, or the class for an absent key, says null.

        Raises InputError for any other value, for spellings that disagree, and for a key that is needed.
        """
        key, value = self._spoken(name)
        if value is None:
            if null is _NEEDED or key is None:
                self._ask(name, least)
            return null
        return self.note(name, self._whole(key, value, least), key)

    def note(self, name: str, value, key: str):
        """Remember a value with the key that it came from, or with the key that is absent."""
        if not self.stated(key):
            return self.infer(name, value, f"{key} is absent, and the model type takes this")
        return self._remember(Found(name, value, (self.prefix if key in self.inner else "") + key))

    def count_if_any(self, name: str) -> int | None:
        """A size that may be null where the class itself takes null, and must be a whole number elsewhere."""
        defaults = self.family.defaults
        optional = any(key in defaults and defaults[key] is None for key in self.spellings(name))
        return self.count(name, null=None) if optional else self.count(name)

    def _spoken(self, name: str) -> tuple[str | None, object]:
        """The first spelling that holds something, with what it holds; a spelling that is null; else the default's."""
        keys = self.spellings(name)
        values = {key: self.peek(key) for key in keys if self.stated(key)}
        said = {key: value for key, value in values.items() if value is not None}
        first = next(iter(said), None)
        for key, value in said.items():
            if value != said[first]:
                raise InputError(
                    f"{self.place}: found {first} {shown(said[first])} beside {key} {shown(value)} (for {name}), "
                    "allowed is one value; correct one of them."
                )
        if first or values:
            return first or next(iter(values)), said.get(first)
        known = next((key for key in keys if key in self.family.defaults), None)
        self.touched.update(keys)
        return known, self.family.defaults.get(known)

    def _ask(self, name: str, least: int):
        raise InputError(
            f"{self.place}: found no key {choices(self.spellings(name))} (for {name}), "
            f"allowed is a whole number from {least}; add it."
        )

    def flag(self, name: str, key: str) -> bool:
        """True or false under a key; null is false. Raises InputError for any other value, and if it must be said."""
        value = self.peek(key)
        if value is None and not self.stated(key) and key not in self.family.defaults:
            raise InputError(f"{self.place}: found no key {key}, allowed are true, false; add it.")
        if not isinstance(value, bool | None):
            raise InputError(f"{self.place}, key {key}: found {shown(value)}, allowed are true, false; correct it.")
        return self.note(name, bool(value), key)

    def holds(self, condition: str) -> bool:
        """Whether the keys are as a condition of data/families.yml says: `a and not b and c=1`."""
        return all(self._holds(each) for each in condition.split(" and "))

    def _holds(self, term: str) -> bool:
        if term.startswith("not "):
            return not self._holds(term.removeprefix("not "))
        key, equals, wanted = term.partition("=")
        return str(self.peek(key)) == wanted if equals else self.flag(key, key)

    def require_only(self) -> None:
        """Raise InputError for a key whose value is another than the one that a row can hold."""
        for key, allowed in self.family.only.items():
            other = str(allowed).removeprefix("=")
            wanted = allowed if other == str(allowed) else self.peek(other)
            if self.stated(key) and self.peek(key) not in (None, wanted):
                raise InputError(
                    f"{self.place}, key {self.prefix}{key}: found {shown(self.peek(key))}, allowed is "
                    f"{shown(wanted).lower()} for a model of type {self.model_type}; a row cannot hold anything else."
                )

    def sequence(self, key: str, length: int, allowed) -> list | None:
        """The first `length` entries of a list under a key, each one of `allowed`; None where absent or empty."""
        value = self.peek(key)
        if value is None or value == []:
            return None
        if not isinstance(value, list) or not length <= len(value) <= length + MOST_DRAFTING:
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

    def ask_list(self, key: str, length: int):
        raise InputError(
            f"{self.place}: found no key {key}, allowed is a list of {length} entries, one per block; add it."
        )

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
        return self._remember(Found(name, value, why, inferred=True))

    def _remember(self, found: Found):
        if found not in self.found:
            self.found.append(found)
        return found.value

    def unused(self) -> list[str]:
        """Keys that were not read and speak of no part. Raises InputError for one that was not read and does."""
        known = self.touched | set(self.family.ignored) | harmless()
        left = {key: value for key, value in self.inner.items() if key not in known and value not in SAYS_NOTHING}
        for key, value in left.items():
            self._refuse_part(self.prefix, key, value, _parts(key))
        for key, value in self.outer.items():
            if key not in known and value not in SAYS_NOTHING:
                self._refuse_part("", key, value, [part for part in _parts(key) if part in DECODERS_ONLY])
        return sorted(ascii(key)[1:-1][:60] for key in left)

    def _refuse_part(self, prefix: str, key: str, value, speaks_of: list[str]) -> None:
        if speaks_of:
            raise InputError(
                f"{self.place}, key {prefix}{shown(key)}: found {shown(value)}, which speaks of a part "
                f"({', '.join(speaks_of)}) that the type {self.model_type} is not known to have; allowed are the "
                "keys of the type; remove it if it changes no size, or write the row by hand."
            )

    def _whole(self, key: str, value, least: int, most: int = LARGEST) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InputError(
                f"{self.place}, key {self.prefix}{key}: found {shown(value)}, "
                f"allowed is a whole number from {least} to {most}; correct it."
            )
        return value


def _parts(key: str) -> list[str]:
    """The parts that a key speaks of.

    >>> _parts("num_shared_experts"), _parts("rope_theta")
    (['shared', 'expert'], [])
    """
    words = [word if word in parts() else word.removesuffix("s") for word in re.findall(r"[a-z]+", key.lower())]
    return [word for word in words if word in parts()][:3]
