"""A language model as a file: sizes of its text decoder, the kinds of block that it is made of, and printed totals.

`sizes` are shared by all kinds; a kind (`kind_of_block.py`) states those in which it differs.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from analysis.data.cells import refuse
from analysis.data.kind_of_block import (
    EXPERT_COLUMNS,
    QUOTIENTS,
    SIZES,
    KindOfBlock,
    Sizes,
    columns_read,
    mechanism_columns,
    rows_of,
)
from analysis.data.lines import mechanisms, vectors
from analysis.data.row import Count, PrintedNumber, Row, TrueFalse, Width, Words, column

MAY_BE_ZERO = ("n_shared", "d_shared", "n_ctx")
NEEDED = ("d_emb", "n_vocab", "n_ctx")  # of every model
SERVED_WIDTHS = ("width_weights", "width_experts", "width_kv")  # how files are stored: no size of the architecture
HEADS = (("n_hd", "n_kv"), ("n_v", "n_qk"), ("n_og", ""))  # axes that tensor parallelism divides, and what they share


class Model(Row):
    """A language model: sizes of its text decoder, kinds of block, and the totals that its makers print."""

    aliases: Words = column("other ids that name this row", default=(), allowed="ids separated by spaces")
    year: Annotated[int, Field(ge=2017, le=2035)] = column("year of publication")
    sizes: Sizes = column("sizes that all kinds of block share, by symbol", allowed=" ".join(SIZES))
    kinds: Annotated[tuple[KindOfBlock, ...], Field(min_length=1, max_length=1000)] = column(
        "kinds of block, those that attend to most first", allowed="a list of kinds of block"
    )
    ffn: Literal["gated", "plain"] = column(
        "matrices of a feed-forward layer: gated has three, plain has two", default="gated"
    )
    tied: TrueFalse = column("whether the output head is the input embedding, stored once", allowed="true, false")
    vectors: Words = column("groups of norm and bias vectors carried", default=(), allowed=" ".join(vectors()))
    published_total: PrintedNumber | None = column("parameters as printed, digits kept", "1", None, "as 46.7B, 1T")
    published_active: PrintedNumber | None = column("parameters per token as printed", "1", None, "as 37B, 12.9B")
    published_exact: Count | None = column("parameter elements of the published checkpoint", "1", None)
    exact_source: str = column("where the exact element count stands", default="")
    total_cause: str = column("why the printed total and the sizes differ by more than the last digit", default="")
    context_max: Count | None = column("longest context the configuration allows", "tokens", None)
    width_weights: Width | None = column(
        "bytes of a weight as the makers' files store it, scales of small groups counted; empty where 16 bit",
        "byte",
        None,
    )
    width_experts: Width | None = column(
        "bytes of a routed expert's weight in those files, where they differ from the other weights", "byte", None
    )
    width_kv: Width | None = column("bytes of a cached element that those files ask for", "byte", None)
    format: str = column("format of the cache as served, a name in formats.yml", default="")
    omits: str = column("parts that the model has and this study does not represent", default="")

    def __getattr__(self, name: str):
        """A size by its symbol's name: the model's, else that of the first kind that states it, else None."""
        if name in SIZES:
            stated = (self.sizes, *(kind.sizes for kind in self.kinds))
            return next((sizes[name] for sizes in stated if name in sizes), None)
        return super().__getattr__(name)

    def sizes_of(self, kind: KindOfBlock) -> dict[str, int]:
        """Every size of a kind of block, its own before the model's, and the quotients of two."""
        own = self.sizes | kind.sizes
        return own | {name: own[over] // own[by] for name, (over, by) in QUOTIENTS.items() if {over, by} <= set(own)}

    @cached_property
    def heads(self) -> tuple[tuple[int, int | None], ...]:
        """What tensor parallelism divides: query heads and key-value heads of each attention, heads of states."""
        found = {}
        for kind in self.attending:
            read, sizes = mechanism_columns(kind.attention), self.sizes_of(kind)
            for heads, shared in HEADS:
                if heads in read:
                    found[sizes[heads], sizes[shared] if shared in read else None] = None
        return tuple(found)

    # -- counts of blocks ------------------------------------------------------------------------
    @property
    def n_dec(self) -> int:
        """Decoder blocks."""
        return sum(kind.blocks for kind in self.kinds)

    @property
    def n_moe(self) -> int:
        """Decoder blocks with experts."""
        return sum(kind.blocks for kind in self.kinds if kind.feedforward == "experts")

    @property
    def n_win(self) -> int:
        """Decoder blocks whose attention is windowed."""
        return sum(kind.blocks for kind in self.kinds if kind.window)

    @property
    def attending(self) -> tuple[KindOfBlock, ...]:
        """Kinds of block that have attention."""
        return tuple(kind for kind in self.kinds if kind.attention)

    @property
    def attention(self) -> str:
        """Name of the attention mechanism of the first kind that has any."""
        return self.attending[0].attention

    @property
    def grows(self) -> KindOfBlock | None:
        """The kind of block of which a model has more if it has more blocks: that with experts, if all attend alike."""
        kinds = [kind for kind in self.kinds if kind.feedforward == "experts" or not self.n_moe]
        alike = len({self.shape(kind) for kind in self.kinds}) == 1
        return kinds[0] if alike and len(kinds) == 1 else None

    @property
    def mechanisms(self) -> str:
        """Every kind of attention by name, those that attend to most first."""
        return ", ".join(dict.fromkeys(kind.attends.replace("_", " ") for kind in self.attending))

    @property
    def window(self) -> str | None:
        """What windowed blocks attend to, where some are."""
        return next((kind.window for kind in self.kinds if kind.window), None)

    # -- checks ----------------------------------------------------------------------------------
    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        self._sizes_known("sizes", self.sizes)
        self._need(NEEDED, "sizes", self.sizes, "every model has it")
        for at, kind in enumerate(self.kinds, 1):
            self._kind_agrees(f"kinds {at}", kind)
        if not self.attending:
            refuse("kinds", "none with attention", "at least one kind with a mechanism")
        self._names_apart()
        if self.width_experts and not self.n_moe:
            refuse("width_experts", self.width_experts, "no value, because no block has experts")
        if self.L_win and not any(kind.window or "L_win" in columns_read(kind) for kind in self.kinds):
            refuse("sizes.L_win", self.L_win, "no value, because no kind has a window")
        _known_groups("vectors", self.vectors)
        if self.published_exact and not self.exact_source:
            refuse("exact_source", "", "the source of published_exact")
        return self

    def _sizes_known(self, place: str, sizes: dict[str, int]) -> None:
        for name, size in sizes.items():
            if name not in SIZES:
                refuse(f"{place}.{name}", size, f"a size by its symbol: {', '.join(SIZES)}")
            if size < 1 and name not in MAY_BE_ZERO:
                refuse(f"{place}.{name}", size, "integer >= 1")

    def _kind_agrees(self, place: str, kind: KindOfBlock) -> None:
        self._sizes_known(f"{place}.sizes", kind.sizes)
        _known_groups(f"{place}.vectors", kind.vectors)
        sizes = self.sizes | kind.sizes
        if kind.attention and kind.attention not in mechanisms():
            refuse(f"{place}.attention", kind.attention, ", ".join(mechanisms()))
        if not kind.attention and not kind.feedforward:
            refuse(f"{place}.attention", "", "a mechanism, or a feed-forward half: a block of this kind has neither")
        for name in ("window", "borrows"):
            if not kind.attention and getattr(kind, name):
                refuse(f"{place}.{name}", getattr(kind, name), "no value, because these blocks have no attention")
        if kind.attention:
            self._need(mechanism_columns(kind.attention), f"{place}.sizes", sizes, f"attention is {kind.attention}")
            _heads_agree(f"{place}.sizes", kind.attention, sizes)
        if kind.window:
            self._need(("L_win",), f"{place}.sizes", sizes, f"window is {kind.window}")
        if kind.feedforward == "dense":
            self._need(("d_FFN",), f"{place}.sizes", sizes, "feedforward is dense")
        if kind.feedforward == "experts":
            self._need(EXPERT_COLUMNS, f"{place}.sizes", sizes, "feedforward is experts")
            if sizes["n_k"] > sizes["n_e"]:
                refuse(f"{place}.sizes.n_k", sizes["n_k"], f"at most n_e ({sizes['n_e']})")
        if kind.attention:
            self._reads_what_is_there(place, kind)

    def _reads_what_is_there(self, place: str, kind: KindOfBlock) -> None:
        """Rows and picks of earlier blocks are made by some kind, and no query picks more than there can be."""
        others = [rows_of(each) for each in self.kinds if each.attention in mechanisms()]
        column, found = ("borrows", "true") if kind.borrows else ("attention", kind.attention)
        if rows_of(kind).lacks(others):
            refuse(f"{place}.{column}", found, "a kind of attention beside one that stores the rows that it reads")
        if rows_of(kind).blind(others):
            refuse(f"{place}.{column}", found, "a kind of attention beside one that picks the rows that it reads")
        sizes, read = self.sizes_of(kind), mechanism_columns(kind.attention)
        for name, wide in (("L_top", "L_str"), ("n_top", "L_blk")):
            tokens = sizes[name] * sizes.get(wide, 1) if name in read else 0
            if self.context_max and tokens > self.context_max:
                most = f"picks of at most context_max ({self.context_max}) tokens, here {tokens}"
                refuse(f"{place}.sizes.{name}", sizes[name], most)

    def _need(self, names: Iterable[str], place: str, sizes: dict[str, int], why: str) -> None:
        for name in names:
            if name not in sizes:
                refuse(f"{place}.{name}", "", f"a value, because {why}")

    def _names_apart(self) -> None:
        """Kinds of one name attend alike: what tells them apart is their feed-forward half."""
        alike: dict[str, tuple] = {}
        for at, kind in enumerate(self.kinds, 1):
            if kind.attention and alike.setdefault(kind.attends, self.shape(kind)) != self.shape(kind):
                refuse(f"kinds {at}.name", kind.attends, "a name of its own, as another kind of it attends otherwise")

    def shape(self, kind: KindOfBlock) -> tuple:
        """What tells one attention from another: mechanism, window, borrowing, and the sizes that it reads."""
        sizes = self.sizes_of(kind)
        read = ((name, sizes[name]) for name in columns_read(kind))
        return kind.attention, kind.window, kind.borrows, kind.queries, *read


def _known_groups(place: str, groups: Iterable[str]) -> None:
    for group in groups:
        if group not in vectors():
            refuse(place, group, ", ".join(vectors()))


def _heads_agree(place: str, attention: str, sizes: dict[str, int]) -> None:
    if mechanisms()[attention].equal_heads and sizes.get("n_kv", sizes["n_hd"]) != sizes["n_hd"]:
        refuse(f"{place}.n_kv", sizes["n_kv"], f"n_hd ({sizes['n_hd']}) for {attention}")
    for over, by in (("n_hd", "n_kv"), ("n_hd", "n_og"), ("n_v", "n_qk")):
        if {over, by} <= set(sizes) and sizes[over] % sizes[by]:
            refuse(f"{place}.{by}", sizes[by], f"a divisor of {over} ({sizes[over]})")
