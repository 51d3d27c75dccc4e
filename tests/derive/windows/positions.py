"""Who attends to whom, token by token: the road to windowed attention that knows no formula."""

from collections.abc import Callable, Iterable

Rule = Callable[[int, int, int], bool]


def sliding(query: int, key: int, reach: int) -> bool:
    """A query sees itself and the tokens just before it, `reach` of them in all."""
    return key <= query and query - key < reach


def chunked(query: int, key: int, reach: int) -> bool:
    """A query sees the tokens of its own chunk, up to itself."""
    return key <= query and query // reach == key // reach


def queries(context: int, new: int) -> Iterable[int]:
    """Positions of the last `new` tokens of a context."""
    return range(context - new, context)


def pairs(rule: Rule, context: int, new: int, reach: int) -> int:
    """Score pairs that the new tokens need."""
    return sum(rule(query, key, reach) for query in queries(context, new) for key in range(context))


def touched(rule: Rule, context: int, new: int, reach: int) -> int:
    """Keys that any of the new tokens sees."""
    return sum(any(rule(query, key, reach) for query in queries(context, new)) for key in range(context))


def kept(context: int, reach: int) -> int:
    """Tokens in a cache that forgets the oldest once it holds `reach`."""
    cache: list[int] = []
    for token in range(context):
        cache = [*cache, token][-reach:]
    return len(cache)
