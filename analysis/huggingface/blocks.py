"""The blocks of a model in order, and how they are said in words."""

from dataclasses import dataclass
from itertools import groupby

from analysis.files.errors import InputError
from analysis.huggingface.block_lists import own_sizes
from analysis.huggingface.families import Family
from analysis.huggingface.halves import DENSE, HALF_RULES, HASHED, NONE
from analysis.huggingface.keys import Keys
from analysis.huggingface.mixers import mixers

MOST_BLOCKS = 10_000


@dataclass(frozen=True)
class Block:
    """One decoder block: its attention with the tokens that it keeps if not all, its feed-forward half, own sizes."""

    attention: str = "full"
    tokens: int | None = None
    half: str = DENSE
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def experts(self) -> bool:
        """Whether its feed-forward half is made of experts."""
        return self.half not in (NONE, DENSE)

    def __str__(self) -> str:
        attention = f"{self.attention} attention" if self.attention else ""
        reach = f" ({self.tokens} tokens)" if self.tokens else ""
        own = ", ".join(f"{name} {size}" for name, size in self.sizes)
        return ", ".join(part for part in (attention + reach, self.half.replace(HASHED, "experts"), own) if part)


def blocks(keys: Keys, family: Family, n_dec: int, context: int | None) -> list[Block]:
    """Every block of the model in order. Raises InputError for a pattern that contradicts itself or is unknown."""
    if n_dec > MOST_BLOCKS:
        raise InputError(f"{keys.place}: found {n_dec} blocks, allowed are at most {MOST_BLOCKS}; correct the number.")
    halves = HALF_RULES[family.experts](keys, n_dec)
    own = own_sizes(keys, n_dec) if family.layers == "configs" else [()] * n_dec
    each = zip(mixers(keys, family, n_dec, context), halves, own, strict=True)
    return [Block(kind, tokens, half, sizes) for (kind, tokens), half, sizes in each]


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
