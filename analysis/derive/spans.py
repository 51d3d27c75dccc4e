"""Spans: of an axis, the rows that memory stores, those that a step touches, and those that its arithmetic works on.

A context of L rows need not be read as a whole. What a mechanism leaves out is said once, by the axis that its lines
run over: memory holds the stored rows, a kernel moves the touched ones, and a line in which `l` meets the axis works
over the worked ones, those of all l queries together. Four rules make every span:

- `band`: a query sees the last L_win rows, itself among them (sliding), or those of its own chunk of L_win rows.
- `compressed`: one row stands for several.
- `cut`: a query sees the tokens of its own step that lie in its chunk; the step begins a chunk.
- `picked`: each query picks its own rows. Of several queries, touched is an upper bound, met if no two pick alike.

Experts are rows too, of which a token picks n_k; how many of them several tokens touch is `parallel.active_experts`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr, Integer, Max, Min, Symbol, ceiling, floor

from analysis.derive.symbols import (
    L,
    L_blk,
    L_chunk,
    L_cmp,
    L_csa,
    L_cut,
    L_hca,
    L_pck,
    L_sel,
    L_str,
    L_top,
    L_win,
    causal,
    l,
    l_cmp,
    n_act,
    n_blk,
    n_cut,
    n_e,
    n_k,
    n_map,
    n_past,
    n_res,
    n_tap,
    n_to,
    n_top,
)


@dataclass(frozen=True)
class Span:
    """Rows of an axis [rows]: stored by a request, touched by a step, and worked on by its l queries together."""

    stored: Expr
    touched: Expr
    worked: Expr

    def __add__(self, other: "Span") -> "Span":
        """Rows of both, side by side."""
        return Span(self.stored + other.stored, self.touched + other.touched, self.worked + other.worked)


def every(size: Expr) -> Span:
    """All elements of an axis whose size follows from others: stored, touched, and met by each of l queries."""
    return Span(size, size, l * size)


def compressed(stride: Expr = Integer(1)) -> Span:
    """A context of which one row stands for `stride` tokens; the causal share of the score pairs is worked on.

    >>> compressed().worked
    L*causal*l
    """
    return Span(L / stride, L / stride, causal * l * L / stride)


def picked(most: Expr, stride: Expr = Integer(1)) -> Span:
    """At most `most` rows for each query out of a (compressed) context, which is stored as a whole.

    >>> from analysis.derive.symbols import L_top
    >>> picked(L_top).touched
    Min(L, L_top*l)
    """
    rows = L / stride
    kept = Min(rows, most)
    return Span(rows, Min(rows, l * most), _pairs(kept, _short_of(kept * stride) / stride, stride))


def band(reach: Expr, chunked: bool = False) -> Span:
    """The last `reach` rows of each query, or those of its chunk.

    One query of a chunked block has a full chunk, and several touch the rows of the worst place of the chunk's edge:
    both bound the count from above.

    >>> prompt = {L: Integer(10), l: Integer(10), L_win: Integer(4)}
    >>> [band(L_win).worked.xreplace(prompt | {causal: Integer(share) / 20}) for share in (20, 11)]
    [40, 34]
    """
    kept = Min(L, reach)
    hidden = l * kept - (_chunk_pairs(L, reach) - _chunk_pairs(L - l, reach)) if chunked else _short_of(kept)
    return Span(kept, Min(L, reach + l - 1), _pairs(kept, hidden))


def _pairs(kept: Expr, hidden: Expr, stride: Expr = Integer(1)) -> Expr:
    """Score pairs of l queries with `kept` rows each, of which a causal mask hides some.

    `causal` says how far a kernel makes use of the mask: 1 not at all, and 1 - (l - 1) / (2 L) fully. The pairs that
    the mask hides count to that degree, so that both ends are exact.
    """
    return Min(causal * l * L / stride, l * kept - _use() * hidden, evaluate=False)  # comparing them by symbols is slow


def _use() -> Expr:
    """How far a kernel makes use of a causal mask [1]: see `_pairs`."""
    return Min(1, 2 * (1 - causal) * L / Max(1, l - 1))


def cut(reach: Expr) -> Span:
    """The tokens of a step in chunks of `reach`, each of which meets its own chunk; a causal mask leaves half.

    >>> step = {L: Integer(10), l: Integer(10), L_cut: Integer(4)}
    >>> [cut(L_cut).worked.xreplace(step | {causal: Integer(share) / 20}) for share in (20, 11)]
    [36, 23]
    """
    whole = floor(l / reach)
    plane = whole * reach**2 + (l - whole * reach) ** 2
    return Span(l, l, Min(causal * l * L, plane - _use() * (plane - _chunk_pairs(l, reach)), evaluate=False))


def _short_of(kept: Expr) -> Expr:
    """Pairs by which the queries at the beginning of a context fall short of `kept` each."""
    queries = Max(0, kept - L + l - 1)
    return queries * (queries + 1) / 2


def _chunk_pairs(tokens: Expr, reach: Expr) -> Expr:
    """Score pairs of the first so many tokens of a context that lies in chunks."""
    whole = floor(tokens / reach)
    rest = tokens - whole * reach
    return whole * reach * (reach + 1) / 2 + rest * (rest + 1) / 2


class _Spans(Mapping):
    """The span of every axis of rows, made when it is first asked for: sympy compares slowly, most are never met."""

    def __init__(self, rules: dict[Symbol, Callable[[], Span]]):
        self._rules, self._made = rules, {}

    def __getitem__(self, axis: Symbol) -> Span:
        if axis not in self._made:
            self._made[axis] = self._rules[axis]()
        return self._made[axis]

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def __contains__(self, axis: object) -> bool:
        return axis in self._rules


SPANS: Mapping[Symbol, Span] = _Spans(
    {
        L: compressed,
        L_win: lambda: band(L_win),
        L_chunk: lambda: band(L_win, chunked=True),
        L_cut: lambda: cut(L_cut),
        n_cut: lambda: Span(ceiling(l / L_cut), ceiling(l / L_cut), l),  # a token lies in one of them
        L_top: lambda: picked(L_top),
        L_sel: lambda: picked(n_top * L_blk),
        L_cmp: lambda: compressed(L_str),
        L_pck: lambda: picked(L_top, L_str),
        L_csa: lambda: SPANS[L_win] + SPANS[L_pck],
        L_hca: lambda: SPANS[L_win] + SPANS[L_cmp],
        l_cmp: lambda: Span(l / L_str, l / L_str, l / L_str),  # none meets `l`: completed rows are no pairs
        n_blk: lambda: compressed(L_blk),
        n_top: lambda: picked(n_top, L_blk),
        n_past: lambda: every(n_tap - 1),
        n_to: lambda: every(n_res),
        n_map: lambda: every(n_res * (2 + n_res)),
        n_act: lambda: Span(n_e, n_act, n_k),  # worked on by one token
    }
)
BANDS = {"sliding": L_win, "chunked": L_chunk}
