"""Names of the choices of counting, and the rows that blocks read of one another: words, without algebra."""

from collections.abc import Iterable
from dataclasses import dataclass

ORDERS = ("as_printed", "reordered")
GROUPINGS = ("fused", "spilled", "layered")
COMMUNICATION = ("dispatch", "combine", "all_reduce")  # terms of TPOT that wires take


@dataclass(frozen=True)
class Rows:
    """Rows that a kind of attention stores, borrows and picks; tensors are named with their axes.

    `lent` are rows of an earlier block that it reads beside its own, `picks` says that it picks rows by index scores,
    `picked` that its core reads rows that were picked, here or in an earlier block.
    """

    stores: frozenset[str]
    lent: frozenset[str] = frozenset()
    picks: bool = False
    picked: bool = False
    borrows: bool = False

    def lacks(self, others: Iterable["Rows"]) -> bool:
        """Whether it reads rows that none of the others stores.

        >>> key = frozenset({"k[B L d_hd]"})
        >>> Rows(key, borrows=True).lacks([]), Rows(key, borrows=True).lacks([Rows(key)])
        (True, False)
        """
        owned = {row for each in others if not each.borrows for row in each.stores}
        return not self.lent | (self.stores if self.borrows else frozenset()) <= owned

    def blind(self, others: Iterable["Rows"]) -> bool:
        """Whether it reads rows that an earlier block picked, and none of the others picks any.

        >>> Rows(frozenset(), picked=True).blind([Rows(frozenset(), picks=True)])
        False
        """
        return self.picked and not any(each.picks for each in (self, *others))
