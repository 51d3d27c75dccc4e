"""The blocks of a model in order, and how they are said in words."""

from dataclasses import dataclass
from itertools import groupby

from analysis.files.errors import InputError
from analysis.huggingface.block_lists import own_sizes
from analysis.huggingface.families import Family
from analysis.huggingface.halves import DENSE, HALF_RULES, HASHED, NONE
from analysis.huggingface.keys import Keys
from analysis.huggingface.mixers import mixers
from analysis.huggingface.streams import read_sizes, replayed

MOST_BLOCKS = 10_000
OWN_SIZES = {"configs": own_sizes, "streams": read_sizes}  # rules of layers that say sizes of each block


@dataclass(frozen=True)
class Block:
    """One decoder block: its attention with the tokens that it keeps if not all, its feed-forward half, own sizes."""

    attention: str = "full"
    tokens: int | None = None
    half: str = DENSE
    sizes: tuple[tuple[str, int], ...] = ()
    queries: int | None = None

    @property
    def experts(self) -> bool:
        """Whether its feed-forward half is made of experts."""
        return self.half not in (NONE, DENSE)

    def __str__(self) -> str:
        attention = f"{self.attention} attention" if self.attention else ""
        reach = f" ({self.tokens} tokens)" if self.tokens else ""
        own = ", ".join(f"{name} {size}" for name, size in self.sizes)
        last = f"last {self.queries} tokens of a prompt" if self.queries else ""
        return ", ".join(part for part in (attention + reach, self.half.replace(HASHED, "experts"), own, last) if part)


def blocks(keys: Keys, family: Family, n_dec: int, context: int | None) -> list[Block]:
    """Every block of the model in order. Raises InputError for a pattern that contradicts itself or is unknown."""
    if n_dec > MOST_BLOCKS:
        raise InputError(f"{keys.place}: found {n_dec} blocks, allowed are at most {MOST_BLOCKS}; correct the number.")
    halves = HALF_RULES[family.experts](keys, n_dec)
    kinds = mixers(keys, family, n_dec, context)
    own = OWN_SIZES[family.layers](keys, n_dec) if family.layers in OWN_SIZES else [()] * n_dec
    last = replayed(keys, n_dec) if family.layers == "streams" else [None] * n_dec
    return [Block(*kind, *others) for kind, *others in zip(kinds, halves, own, last, strict=True)]


def pattern(found: list[Block]) -> str:
    """Runs of equal blocks in words; a repeated pair of blocks is told as such.

    >>> pattern([Block()] * 3 + [Block(half="experts")] * 58)
    '3 x (full attention, dense); then 58 x (full attention, experts)'
    """
    runs = [(str(block), len(list(run))) for block, run in groupby(found)]
    if len(runs) <= 4:
        return "; then ".join(f"{count} x ({text})" for text, count in runs)
    kinds: dict[str, int] = {}
    for block in found:
        kinds[str(block)] = kinds.get(str(block), 0) + 1
    return "mixed: " + "; ".join(f"{count} x ({text})" for text, count in kinds.items())
