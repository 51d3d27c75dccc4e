"""What takes long to make and whose names are known before: made when a test first looks, not when tests are listed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache


class Made(Mapping):
    """Things by name; `make` gives all of them, once."""

    def __init__(self, names: Iterable[str], make: Callable[[], Mapping]):
        self._names, self._make = tuple(names), cache(make)

    def __getitem__(self, name: str):
        return self._make()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
