"""A kind of block of a model: its attention, its feed-forward half, and the sizes that these read.

Which sizes a mechanism needs is read off its einsum lines.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from analysis.data.lines import mechanisms, vectors
from analysis.data.row import Count, Mechanism, Row, TrueFalse, Words, column
from analysis.derive.choices import Rows

ATTENTION = (
    *("d_emb", "n_hd", "n_kv", "d_hd", "d_Qco", "d_KVco", "d_nope", "d_RoPE", "d_v", "h_I", "d_I"),
    *("L_win", "L_top", "L_blk", "n_top", "L_str", "n_pool", "n_role", "n_og", "d_oco"),
    *("n_v", "n_qk", "d_k", "d_s", "d_dec", "n_tap", "L_cut"),
)
EXPERT_COLUMNS = ("d_MoE", "n_e", "n_k", "n_shared", "d_shared")
SIZES = (*ATTENTION, "d_FFN", *EXPERT_COLUMNS, "d_z", "n_res", "n_vocab", "n_ctx")
QUOTIENTS = {"deg_grp": ("n_hd", "n_kv"), "deg_og": ("n_hd", "n_og")}


class Hashed(dict):
    """Sizes by name, which nobody changes: closed forms are kept under them."""

    def __hash__(self):
        return hash(frozenset(self.items()))


Sizes = Annotated[dict[str, Annotated[int, Field(ge=0, lt=10**15)]], AfterValidator(Hashed)]


@cache
def mechanism_columns(name: str) -> list[str]:
    """The sizes that a mechanism cannot do without: those that its einsum lines name as axes, and those of its spans.

    >>> mechanism_columns("MLA_direct")
    ['d_emb', 'n_hd', 'd_KVco', 'd_nope', 'd_RoPE', 'd_v']
    >>> mechanism_columns("MSA")
    ['d_emb', 'n_hd', 'n_kv', 'd_hd', 'd_I', 'L_blk', 'n_top']
    """
    axes = mechanisms()[name].axes
    named = axes.union(*(QUOTIENTS[quotient] for quotient in axes & set(QUOTIENTS)))
    return [size for size in ATTENTION if size in named]


class KindOfBlock(BaseModel):
    """Blocks of a model that are alike: how many, their attention and their feed-forward half, either of which may be
    absent.
    """

    model_config = Row.model_config

    blocks: Count = column("blocks of this kind", "1")
    attention: Mechanism | None = column(
        "attention mechanism; absent where blocks have none", "", None, ", ".join(mechanisms())
    )
    window: Literal["sliding", "chunked"] | None = column(
        "what windowed blocks attend to: sliding is the last L_win tokens, chunked the tokens of one chunk of L_win",
        default=None,
    )
    feedforward: Literal["dense", "experts"] | None = column(
        "feed-forward half; absent where blocks have none", default=None
    )
    sizes: Sizes = column(
        "sizes in which these blocks differ from the model's", default=Hashed(), allowed=" ".join(SIZES)
    )
    vectors: Words = column("groups of vectors of these blocks, beside the model's", "", (), " ".join(vectors()))
    borrows: TrueFalse = column(
        "whether these blocks read a cache that an earlier kind stores", default=False, allowed="true, false"
    )
    queries: Count | None = column(
        "last tokens of a prompt that these blocks work on, where others work on all", "tokens", None
    )
    name: str = column("name of their attention, where another kind of the same mechanism differs", default="")

    @property
    def attends(self) -> str:
        """What their attention is called: by its name, else its mechanism and window; empty where there is none."""
        return self.name or " ".join(each for each in (self.attention, self.window) if each)


def columns_read(kind: KindOfBlock) -> Iterator[str]:
    """The sizes that the attention of a kind reads."""
    if kind.attention:
        yield from mechanism_columns(kind.attention)
        if kind.window:
            yield "L_win"


def rows_of(kind: KindOfBlock) -> Rows:
    """Rows that the attention of a kind stores, borrows and picks."""
    return replace(mechanisms()[kind.attention].rows, borrows=kind.borrows)
