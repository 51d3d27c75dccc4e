"""The map of the largest term of a token's time over batch and context: its countries, and their borders, solved.

Terms are grouped into what a reader can act on. A batch that memory does not hold lies outside the map. What holds
along its upper edge, where memory is full, follows from reading: what a step touches over what memory stores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.ask.setting import Setting
from analysis.derive.serving import TERMS
from analysis.derive.symbols import BW_mem, M_cap, P_acc, P_exp
from analysis.systems.arrangements import in_groups, slow_link
from analysis.thesis.full import WIRES, batch_at_capacity, passing, root, terms_at
from analysis.thesis.full_attention import longest

NAMED = {"core attention": ("core_attention",), "routed experts": ("routed_experts",), "wires": WIRES}
GROUPS = NAMED | {"everything else": tuple(each for each in TERMS if each not in sum(NAMED.values(), ()))}
"""What competes to be the largest: names of groups, and the terms of TPOT in each."""

CORE, EXPERTS, WIRED, REST = NAMES = tuple(GROUPS)
OUTSIDE = ""  # the name of what leads where memory does not hold the batch
EQUAL = 1e-12  # relative distance of batches, and of times, that bisection in double precision leaves
CLOSE = 1e-9  # relative distance of the two contexts around a corner
LEAST, MOST = 256.0, 2.0**20  # contexts [tokens] that the map spans


def links(setting: Setting) -> dict[str, Setting]:
    """The system on the fast link alone, on the slow one between groups, on the slow one alone, by what to call it.

    Groups are left out where one holds all accelerators, and for a model without experts, which exchanges nothing
    between them; one accelerator has no links. Raises InputError where the slow link is the fast one.
    """
    alone = setting.with_(link_between=None, group=None)
    if setting["n_acc"] == 1:
        return {"one accelerator": alone}
    slow = slow_link(setting)
    between = in_groups(alone, slow.id, setting["group"])
    grouped = {f"groups of {between['group']}": between} if between.two_levels and setting.model.n_moe else {}
    return {"fast link": alone} | grouped | {"slow link": alone.with_(link=setting["link_between"], BW_Int=None)}


def times(setting: Setting, batches, contexts, replaced: dict | None = None) -> np.ndarray:
    """Time of each group in a token's time [s], groups in the order of NAMES along the first axis.

    `replaced` are symbols' values in SI units.
    """
    found = terms_at(setting, batches, contexts, replaced)
    return np.array([sum(found[term] for term in group) for group in GROUPS.values()])


def largest(setting: Setting, batches, contexts) -> np.ndarray:
    """Name of the group that takes most of a token's time, over batches [requests] and contexts [tokens].

    OUTSIDE where memory does not hold the batch, or for less than one request.
    """
    batches = np.asarray(batches, dtype=float)
    names = np.array(NAMES)[times(setting, batches, contexts).argmax(axis=0)]
    return np.where((batches >= 1) & (batches <= batch_at_capacity(setting, contexts)), names, OUTSIDE)


# -- borders ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Column:
    """The map at one context [tokens]: who leads from one request up to `cap` [requests], where memory is full.

    `batches` are the borders between neighbours in `names`, both rising; nobody leads where no request fits.
    """

    context: float
    cap: float
    names: tuple[str, ...]
    batches: tuple[float, ...]

    @property
    def borders(self) -> tuple[tuple[float, str, str], ...]:
        """Each border as batch [requests], who leads below it, who leads above it."""
        return tuple(zip(self.batches, self.names, self.names[1:], strict=False))

    @property
    def spans(self) -> tuple[tuple[str, float, float], ...]:
        """Each leader with the batches [requests] between which it leads."""
        ends = (1.0, *self.batches, self.cap)
        return tuple(zip(self.names, ends, ends[1:], strict=False))


def columns(setting: Setting, contexts, points: int = 300) -> list[Column]:
    """The map at each context: leaders change between points of a grid, and bisection finds where.

    Where a third group leads at the root of two, the bracket is split there, so that no country is too thin for it.
    """
    contexts = np.atleast_1d(np.asarray(contexts, dtype=float))
    caps = batch_at_capacity(setting, contexts)
    steps = np.linspace(0, 1, points)[:, None]
    grid = np.exp(np.log(np.maximum(caps, 1)) * steps)
    leads = times(setting, grid, contexts).argmax(axis=0)
    found = _roots(setting, contexts, grid, leads)
    return [
        _column(float(L), float(cap), int(leads[0, place]), found[found[:, 0] == place])
        for place, (L, cap) in enumerate(zip(contexts, caps, strict=True))
    ]


def _column(context: float, cap: float, first: int, found: np.ndarray) -> Column:
    if cap < 1:
        return Column(context, cap, (), ())
    found = found[found[:, 1].argsort()]
    names = [NAMES[first], *(NAMES[int(each)] for each in found[:, 2])]
    return Column(context, cap, tuple(names), tuple(found[:, 1].tolist()))


def _roots(setting: Setting, contexts: np.ndarray, grid: np.ndarray, leads: np.ndarray) -> np.ndarray:
    """Rows of a column's place, a border's batch, and who leads above it, in no order."""
    rows, places = np.nonzero(leads[1:] != leads[:-1])
    low, high = grid[rows, places], grid[rows + 1, places]
    below, above = leads[rows, places], leads[rows + 1, places]
    found = [np.empty((0, 3))]
    while len(places):
        at = _equal(setting, contexts[places], low, high, below, above)
        each = np.arange(len(places))
        time = times(setting, at, contexts[places])
        third = time.argmax(axis=0)
        more = time[third, each] > time[below, each] * (1 + EQUAL * 100)
        found.append(np.stack([places, at, above], axis=1)[~more])
        low, high = np.concatenate([low[more], at[more]]), np.concatenate([at[more], high[more]])
        below, above = np.concatenate([below[more], third[more]]), np.concatenate([third[more], above[more]])
        places = np.concatenate([places[more]] * 2)
    return np.concatenate(found)


def _equal(setting: Setting, contexts, low, high, below, above) -> np.ndarray:
    """Batches between `low` and `high` at which two groups take equal time, by bisection in the logarithm."""
    each = np.arange(len(low))
    while np.any(high > low * (1 + EQUAL)):
        middle = np.sqrt(low * high)
        if np.all((middle <= low) | (middle >= high)):
            break
        time = times(setting, middle, contexts)
        before = time[below, each] > time[above, each]
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return np.sqrt(low * high)


def borders(setting: Setting, contexts) -> list[tuple[tuple[float, str, str], ...]]:
    """For each context, the batches [requests] at which the largest group changes, with who leads below and above."""
    return [each.borders for each in columns(setting, contexts)]


def corners(setting: Setting, contexts: Sequence[float]) -> list[tuple[Column, Column]]:
    """Where along the context countries begin, end or meet: the columns just before and just after, CLOSE apart.

    Between neighbours of the rising contexts whose leaders differ, the context is halved in the logarithm.
    """
    every = columns(setting, contexts)
    open_, found = [pair for pair in pairwise(every) if pair[0].names != pair[1].names], []
    while open_:
        middles = columns(setting, [np.sqrt(one.context * other.context) for one, other in open_])
        halves = [half for (a, b), m in zip(open_, middles, strict=True) for half in ((a, m), (m, b))]
        unequal = [(one, other) for one, other in halves if one.names != other.names]
        open_ = [each for each in unequal if each[1].context > each[0].context * (1 + CLOSE)]
        found += [each for each in unequal if each not in open_]
    return sorted(found, key=lambda each: each[0].context)


# -- along the upper edge --------------------------------------------------------------------------
def reading(setting: Setting, batch, L, replaced: dict | None = None) -> np.ndarray:
    """Time [s] of reading and writing all that a step touches: its work, wires aside, with arithmetic for nothing."""
    return _work(setting, batch, L, (replaced or {}) | {P_acc: np.inf, P_exp: np.inf})


def _work(setting: Setting, batch, L, replaced: dict | None = None) -> np.ndarray:
    found = terms_at(setting, batch, L, replaced)
    return sum(time for name, time in found.items() if name not in WIRES)


def waiting(setting: Setting, L) -> np.ndarray:
    """Share of the work of a step at full memory that reading alone takes [1]; 1 exactly where nothing computes."""
    batch = batch_at_capacity(setting, L)
    return reading(setting, batch, L) / _work(setting, batch, L)


def waiting_context(setting: Setting) -> float:
    """Context [tokens] from which nothing computes at full memory; 0 if from the shortest on, inf if nowhere."""
    return passing(lambda L: float(waiting(setting, L)) - 1 + CLOSE, LEAST, min(MOST, longest(setting)))


def touched(setting: Setting, L) -> np.ndarray:
    """Bytes that a step touches over bytes that are stored, at full memory [1]; above 1 where activations weigh."""
    read = reading(setting, batch_at_capacity(setting, L), L)
    return read * float(setting.point[BW_mem]) / float(setting.point[M_cap])


def useful_capacity(setting: Setting, L: float, seconds: float) -> float | None:
    """Capacity of an accelerator [byte] whose full memory a step reads in the seconds allowed; more adds no request.

    None where weights alone take as long, or the longest memory sought (100 times the accelerator's) takes less.
    """
    held = float(setting.point[M_cap])

    def late(capacity: float) -> float:
        changed = {M_cap: capacity}
        batch = float(batch_at_capacity(setting, L, changed))
        return float(reading(setting, max(batch, 0.0), L)) - seconds

    return root(late, held / 100, held * 100)
