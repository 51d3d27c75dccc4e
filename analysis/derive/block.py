"""A decoder block as named stages of kernels: which lines run together, and what they cost.

Stages of the attention half: projections, decompression, core, output. Stages of the feed-forward half:
dense, routed, latent, shared, router. Each line is a kernel of its own (one matrix product after another), except
the attention core (with what picks its rows) and the feed-forward layers, whose lines follow `grouping`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from sympy import Add, Expr, Min, Symbol

from analysis.derive.attention import MECHANISMS, Mechanism
from analysis.derive.einsum import SCORES, Einsum, Kernel, layered
from analysis.derive.feedforward import FFN, HEAD, LATENT, ROUTER, SHARED, routed_experts
from analysis.derive.parallel import Substitution
from analysis.derive.spans import BANDS
from analysis.derive.symbols import S_passes, l, n_dec, n_moe, n_win

APART = ("projections", "decompression", "output")  # stages of attention whose lines are kernels of their own
HALF = ("dense", "routed", "latent", "shared", "router")  # stages of the feed-forward half
Stages = dict[str, tuple[Kernel, ...]]


@dataclass(frozen=True)
class FeedForward:
    """The feed-forward half of a block: dense, or experts that tokens choose among.

    `form` gated (three matrices) or plain (two); `latent`: experts act on d_z dimensions; `own_width`: the weights of
    routed experts are stored at a width of their own.
    """

    form: str = "gated"
    experts: bool = False
    shared: bool = False
    latent: bool = False
    own_width: bool = False

    def stored(self, own_width: bool) -> "FeedForward":
        """The same half, with the weights of routed experts at a width of their own."""
        return replace(self, own_width=own_width and self.experts)

    def stages(self, grouping: str = "fused") -> "Stages":
        """Kernels by stage: dense, or routed, latent, shared and router."""
        if not self.experts:
            return {"dense": grouped("dense", FFN[self.form], grouping)}
        written = {
            "routed": routed_experts(self.own_width, self.form, self.latent),
            "latent": LATENT if self.latent else (),
            "shared": SHARED[self.form] if self.shared else (),
            "router": ROUTER,
        }
        return {stage: grouped(stage, given, grouping) for stage, given in written.items() if given}


@dataclass(frozen=True)
class Kind:
    """Blocks that are alike: how many there are, their attention, their feed-forward half (either may be absent).

    `sizes` are axes that differ from the model's; `queries` says how many tokens of a prompt, its last ones, these
    blocks work on where the others work on all. `vectors` are groups that these blocks have beside those of all;
    `name` tells their attention from that of other kinds.
    """

    blocks: Expr
    mechanism: Mechanism | None = None
    feedforward: FeedForward | None = None
    sizes: tuple[tuple[Symbol, Expr], ...] = ()
    queries: Expr | None = None
    vectors: tuple[str, ...] = ()
    name: str = ""

    def stored(self, apart: tuple[str, ...], expert_width: bool) -> "Kind":
        """The same kind with parts of its cache, and the weights of routed experts, at widths of their own."""
        half = self.feedforward and self.feedforward.stored(expert_width)
        return replace(self, mechanism=self.mechanism and self.mechanism.stored(apart), feedforward=half)

    def timed(self, stage: str) -> str:
        """The stage under whose name timings are asked for: a core is that of its mechanism.

        >>> Kind(n_dec, MECHANISMS["MLA"]).timed("core"), Kind(n_dec).timed("dense")
        ('core', 'dense')
        """
        return self.mechanism.core if stage == "core" and self.mechanism else stage

    def axes(self, shard: Substitution | None = None) -> Substitution:
        """The axes that a substitution (of parallelism, say) leaves, with this kind's own sizes in them.

        >>> from sympy import Integer
        >>> from analysis.derive.symbols import deg_TP, n_hd
        >>> Kind(n_dec, sizes=((n_hd, Integer(64)),)).axes({n_hd: n_hd / deg_TP})
        {n_hd: 64/deg_TP}
        """
        own = dict(self.sizes) | ({} if self.queries is None else {l: Min(l, self.queries)})
        return own | {axis: size.xreplace(own) for axis, size in (shard or {}).items()}


@dataclass(frozen=True)
class Architecture:
    """The discrete part of a model: what its blocks are made of. Sizes live in the point.

    A model's row says it by a few words, from which `kinds` makes a list: `window` names the band that blocks attend
    to where they are not full (sliding or chunked), `expert_width` says that the weights of routed experts have a width
    of their own, `expert_form` (gated, plain) how many matrices an expert has, `latent` that experts act on d_z
    dimensions, `apart` the parts of the cache that have widths of their own. A list of kinds can be given instead:
    see `of_kinds`.
    """

    attention: str
    ffn: str = "gated"
    dense: bool = True
    experts: bool = False
    shared: bool = False
    tied: bool = False
    vectors: tuple[str, ...] = ()
    full: bool = True
    window: str = ""
    expert_width: bool = False
    expert_form: str = "gated"
    latent: bool = False
    apart: tuple[str, ...] = ()
    listed: tuple[Kind, ...] = ()

    @classmethod
    def of_kinds(cls, *kinds: Kind, tied: bool = False, vectors: tuple[str, ...] = ()) -> "Architecture":
        """A model as a list of kinds of block, those that attend to most first.

        Raises ValueError for a list without attention, and for a cache that blocks borrow and none of them owns.

        >>> from sympy import Integer
        >>> from analysis.derive.symbols import L_win
        >>> mixed = Architecture.of_kinds(Kind(Integer(2), MECHANISMS["GQA"].within(L_win)), Kind(Integer(1)))
        >>> mixed.attention, mixed.dense, mixed.experts
        ('GQA', False, False)
        """
        mechanisms = sorted((k.mechanism for k in kinds if k.mechanism), key=lambda each: not each.cache_text)
        if not mechanisms:
            raise ValueError("no kind of block has attention: give at least one a mechanism")
        orphans = [each.name for each in mechanisms if each.rows.lacks(other.rows for other in mechanisms)]
        if orphans:
            raise ValueError(f"{orphans[0]} borrows a cache that no block stores: let another kind of it own one")
        halves = [kind.feedforward for kind in kinds if kind.feedforward]
        routed = [half for half in halves if half.experts]
        return cls(
            mechanisms[0].name,
            dense=any(not half.experts for half in halves),
            experts=bool(routed),
            shared=any(half.shared for half in routed),
            latent=any(half.latent for half in routed),
            expert_width=any(half.own_width for half in routed),
            tied=tied,
            vectors=vectors,
            listed=kinds,
        )

    @property
    def mechanism(self) -> Mechanism:
        """The attention mechanism by name. Raises KeyError if nobody wrote its paragraph."""
        if self.listed:
            return self.attending[0].mechanism
        return MECHANISMS[self.attention].stored(self.apart)

    def stored(self, apart: tuple[str, ...] = (), expert_width: bool = False) -> "Architecture":
        """The same model with parts of its cache, and the weights of routed experts, at widths of their own."""
        listed = tuple(kind.stored(apart, expert_width) for kind in self.listed)
        return replace(self, apart=apart, expert_width=self.experts and expert_width, listed=listed)

    @property
    def windowed(self) -> bool:
        """Whether some blocks attend to a band of the context only."""
        return any(kind.mechanism.context in BANDS.values() for kind in self.attending)

    @property
    def cuts_prompts(self) -> bool:
        """Whether prompts pass some blocks in chunks, in lines that differ from those of a step."""
        return any(kind.mechanism.prompt_text for kind in self.attending)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of block, those that attend to most first.

        Of a row each kind is half a block, as rows do not say which attention goes with which feed-forward half.
        """
        return self.listed or (*self._attention_of_row(), *self._feedforward_of_row())

    @property
    def attending(self) -> tuple[Kind, ...]:
        """The kinds of block that have attention, those with a cache before those with states alone."""
        return tuple(sorted((k for k in self.kinds if k.mechanism), key=lambda kind: not kind.mechanism.cache_text))

    @property
    def without_attention(self) -> tuple[Kind, ...]:
        """The kinds of block that have a feed-forward half alone."""
        return tuple(kind for kind in self.kinds if not kind.mechanism)

    def _attention_of_row(self) -> tuple[Kind, ...]:
        if not self.window:
            return (Kind(n_dec, self.mechanism),)
        within = self.mechanism.within(BANDS[self.window])
        windowed = Kind(n_win, within, name="windowed")
        return (Kind(n_dec - n_win, self.mechanism), windowed) if self.full else (Kind(n_dec, within),)

    def _feedforward_of_row(self) -> Iterator[Kind]:
        if self.dense:
            yield Kind(n_dec - n_moe if self.experts else n_dec, feedforward=FeedForward(self.ffn))
        if self.experts:
            half = FeedForward(self.expert_form, True, self.shared, self.latent, self.expert_width)
            yield Kind(n_moe, feedforward=half)


@dataclass(frozen=True)
class Conventions:
    """The discrete choices that every count states: see the table of conventions in the book.

    `prompt` says that the step is a prompt, where that takes other lines: states are then passed in chunks.
    """

    order: str = "as_printed"
    grouping: str = "fused"
    rope: str = "in"
    rope_key: str = "per_head"
    prompt: bool = False

    @property
    def chosen(self) -> dict[str, str]:
        """Those that a reader chooses by name; whether a step is a prompt follows from its phase."""
        return {"order": self.order, "grouping": self.grouping, "rope": self.rope, "rope_key": self.rope_key}


def summed(counted: Iterable[tuple[Expr, Expr]]) -> Expr:
    """Sum of amounts times their counts, as one product where all amounts are equal."""
    found = tuple(counted)
    if len({each for _, each in found}) == 1:
        return Add(*(count for count, _ in found)) * found[0][1]
    return Add(*(count * each for count, each in found))


def over_blocks(architecture: Architecture, of_block: Callable[[Kind], Expr]) -> Expr:
    """Sum over all blocks that have attention of what one costs by its kind.

    >>> over_blocks(Architecture("MHA", window="sliding"), lambda kind: kind.mechanism.cache[0].stored)
    B*L*d_hd*n_hd*width_kv*(n_dec - n_win) + B*d_hd*n_hd*n_win*width_kv*Min(L, L_win)
    """
    return summed((kind.blocks, of_block(kind)) for kind in architecture.attending)


def over_halves(architecture: Architecture, stage: str, of_block: Callable[[Kind], Expr]) -> Expr:
    """Sum over all blocks whose feed-forward half has a stage of what one costs by its kind; 0 where none has."""
    return summed(
        (k.blocks, of_block(k)) for k in architecture.kinds if k.feedforward and stage in k.feedforward.stages()
    )


def grouped(name: str, given: tuple[Einsum, ...], grouping: str) -> tuple[Kernel, ...]:
    """Turn a stage's lines into kernels: one (fused), one with S charged (spilled), or one per line (layered)."""
    if not given or grouping == "layered":
        return layered(name, given)
    spilled = (SCORES,) if grouping == "spilled" and any(line.made.name == SCORES for line in given) else ()
    return (Kernel(name, given, spilled, S_passes),)


@cache
def attention_stages(mechanism: Mechanism, conventions: Conventions = Conventions()) -> Stages:
    """Kernels of one attention block by stage (Eqs 1 to 8), for `l` new tokens against a context `L`.

    >>> [kernel.name for kernel in attention_stages(MECHANISMS["MHA"])["core"]]
    ['core']
    """
    stages = mechanism.stages(conventions.order, conventions.rope, conventions.rope_key, conventions.prompt)
    return {
        stage: layered(stage, given) if stage in APART else grouped(stage, given, conventions.grouping)
        for stage, given in stages.items()
    }


@cache
def feedforward_stages(architecture: Architecture, grouping: str = "fused") -> Stages:
    """Kernels of the feed-forward half by stage: dense blocks, and blocks with experts, as far as there are any."""
    halves = (kind.feedforward for kind in architecture.kinds if kind.feedforward)
    found: Stages = {}
    for half in halves:
        found = half.stages(grouping) | found
    return {stage: found[stage] for stage in HALF if stage in found}


def head_kernel() -> Kernel:
    """The output head, once per step for every new token."""
    return Kernel("head", HEAD)


def flops(kernels: tuple[Kernel, ...]) -> Expr:
    """Operations of several kernels [FLOP]."""
    return Add(*(kernel.flops for kernel in kernels))


def bytes_moved(kernels: tuple[Kernel, ...]) -> Expr:
    """Bytes between several kernels and memory [byte]."""
    return Add(*(kernel.bytes for kernel in kernels))


def intensity(kernels: tuple[Kernel, ...]) -> Expr:
    """Arithmetic intensity of kernels run one after another [FLOP/byte]."""
    return flops(kernels) / bytes_moved(kernels)
