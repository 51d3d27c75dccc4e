"""Claims about one system of 256 accelerators against eight of 32 (C073, C074, C076, C088)."""

from analysis.ledger.findings import Judgement, claim
from analysis.ledger.paper_systems import B_RP, accelerators, cap, scenario, throughput
from analysis.ledger.readings import EQUAL, HIGHER, LOWER, Paper, holds
from analysis.systems.quantities import quantity

LABEL, FIGURE = quantity("throughput").label, "fig-scale-out"
BANDWIDTHS = (900, 300, 100)  # GB/s, as in data/scenarios.csv
SHORT, LONG = 2048, 16384


def batch(name: str, L: int, **given) -> float:
    """Requests that a system decodes together: B_RP, or what memory leaves of it."""
    return min(B_RP(name), cap(name, L, **given))


def _rate(name: str, L: int, requests: float, **given) -> float:
    """Tokens per second and accelerator at so many requests per accelerator."""
    setting = scenario(name, **given)
    return throughput(setting, requests * accelerators(setting), L)


def one_over_eight(bandwidth: int, L: int, requests: float | None = None, **given) -> float:
    """Throughput of one system of 256 over that of eight of 32 [1].

    At equal requests per accelerator, or (by default) each at its own B_RP or B_cap, whichever is less.
    """
    large, small = f"r1-256-{bandwidth}-l{L}", f"r1-8x32-l{L}"
    rates = []
    for name in (large, small):
        own = batch(name, L, **given) / accelerators(scenario(name))
        rates.append(_rate(name, L, own if requests is None else requests, **given))
    return rates[0] / rates[1]


def _at_batches() -> dict[str, float]:
    """One system of 256 over eight of 32 [1] without skew at 900 GB/s, at B_RP and at smaller equal batches."""
    at_ridge = B_RP(f"r1-8x32-l{SHORT}") / accelerators(scenario(f"r1-8x32-l{SHORT}"))
    return {
        f"{requests:g} requests per accelerator, 256 over 8 x 32": one_over_eight(900, SHORT, requests)
        for requests in (at_ridge, 128, 32)
    }


def _over(L: int) -> dict[int, float]:
    return {bandwidth: one_over_eight(bandwidth, L) for bandwidth in BANDWIDTHS}


@claim("C073")
def _equal(paper: Paper) -> Judgement:
    readings = tuple(holds(f"{name}, a tie", ratio, EQUAL(ratio)) for name, ratio in _at_batches().items())
    first, middle, low = (reading.value for reading in readings)
    reason = (
        f"At B_RP one system of 256 has {first:.3f} times the throughput of eight, since all experts' weights are read "
        f"in arithmetic's time; at 128 requests per accelerator it has {middle:.2f} and at 32 {low:.2f} times."
    )
    return Judgement(readings, reason, "1", LABEL, FIGURE)


@claim("C074")
def _slower_but_better(paper: Paper) -> Judgement:
    books = {"as_built": "as built", "eq11": "of Eq. 11"}
    readings = tuple(
        holds(f"{bandwidth} GB/s, each at its own B_cap or B_RP, weights {name}", ratio, HIGHER(ratio))
        for bandwidth in BANDWIDTHS[1:]
        for book, name in books.items()
        for ratio in [one_over_eight(bandwidth, LONG, weights=book)]
    )
    large, small = (cap(name, LONG) / accelerators(scenario(name)) for name in ("r1-256-300-l16384", "r1-8x32-l16384"))
    equal = one_over_eight(300, LONG, requests=small)
    reason = (
        f"Memory holds {large:.1f} requests per accelerator in one system and {small:.1f} in eight, so the throughput "
        f"at 300 GB/s is {readings[0].value:.3f} times that of eight; at equal batches it would be {equal:.3f}, and "
        f"at 100 GB/s it is {readings[2].value:.3f}."
    )
    return Judgement(readings, reason, "1", LABEL, FIGURE)


@claim("C076")
def _higher_without_skew(paper: Paper) -> Judgement:
    readings = tuple(holds(f"{name}, more than a tie", ratio, HIGHER(ratio)) for name, ratio in _at_batches().items())
    at_ridge, middle, low = (reading.value for reading in readings)
    reason = (
        f"At B_RP the large system has {at_ridge:.3f} times the throughput of eight, the number of C073 and a tie as "
        f"there; below, where experts' weights weigh, it leads: {middle:.2f} times at 128 requests per accelerator, "
        f"{low:.2f} at 32."
    )
    return Judgement(readings, reason, "1", LABEL, "fig-skew-imbalance")


@claim("C088")
def _many_or_one(paper: Paper) -> Judgement:
    short, long = _over(SHORT), _over(LONG)
    pairs = {bandwidth: (short[bandwidth], long[bandwidth]) for bandwidth in BANDWIDTHS}
    crossing = {bandwidth: (LOWER(pair[0]), HIGHER(pair[1])) for bandwidth, pair in pairs.items()}
    every = (pairs[300], sum(crossing.values(), ()))
    readings = (
        holds(f"900, 300 and 100 GB/s (at 300: L = {SHORT}; {LONG})", every[0], *every[1]),
        *(holds(f"{each} GB/s (L = {SHORT}; {LONG})", pairs[each], *crossing[each]) for each in (300, 900, 100)),
    )
    reason = (
        f"At 300 GB/s one system has {short[300]:.2f} times the throughput of eight at L = {SHORT} and {long[300]:.2f} "
        f"times at {LONG}; at 900 GB/s the large system leads at both ({short[900]:.2f}, {long[900]:.2f}), at 100 GB/s "
        f"the small ones do ({short[100]:.2f}, {long[100]:.2f})."
    )
    return Judgement(readings, reason, "1", LABEL, FIGURE)
