"""Five tests of the study's claims against measured kernels, with no fitted parameter."""

from dataclasses import dataclass

import numpy as np

from analysis.derive.attention import GQA, MHA
from analysis.measured.predict import words
from analysis.measured.regimes import judges_bandwidth
from analysis.measured.series import (
    RISE,
    decode,
    exchange_series,
    exchanges,
    expert_series,
    fabric,
    one_level_time,
    prefill_ratios,
    rising_point,
    tensor_parallel_speedups,
)
from analysis.measured.validate import Compared, compare

SUPPORTED, PARTLY, CONTRADICTED = "supported", "partly supported", "contradicted"
# Supported: within a fifth or so of what the derivation says. Partly: the right sign and order of magnitude.


@dataclass(frozen=True)
class Verdict:
    """A test's outcome: the numbers that decided it (name to number), the verdict, and the reason in one sentence."""

    test: str
    question: str
    numbers: dict[str, float]
    verdict: str
    reason: str


# -- 1 -----------------------------------------------------------------------------------------------------------
def attained_bandwidth(compared: Compared | None = None) -> Verdict:
    """Share of the data sheet's memory bandwidth that MHA and GQA decode attains, rows above 400 MB."""
    compared = decode(compared or compare(), MHA.name, GQA.name)
    compared = compared.rows(judges_bandwidth(compared.prediction))
    share = compared.prediction.memory / compared.latency
    mechanism = words(compared.table, "mechanism")
    found = {
        f"{kind}, {name}": float(np.median(share[(mechanism == kind) & (compared.accelerator == name)]))
        for kind in (GQA.name, MHA.name)
        for name in dict.fromkeys(compared.accelerator[mechanism == kind])
    }
    gqa = [number for name, number in found.items() if name.startswith(GQA.name)]
    verdict = SUPPORTED if min(found.values()) >= 0.8 else PARTLY if min(gqa) >= 0.8 else CONTRADICTED
    reason = (
        f"GQA decode attains {_span(gqa)} of the bandwidth, as a memory-bound layer must; "
        f"the lowest median is {min(found.values()):.0%} ({min(found, key=found.get)}), over {len(share)} rows."
    )
    return Verdict(
        "attained bandwidth", "Is decode attention of MHA and GQA limited by memory bandwidth?", found, verdict, reason
    )


def _span(shares) -> str:
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    return low if low == high else f"{low} to {high}"


# -- 2 -----------------------------------------------------------------------------------------------------------
def tensor_parallel_speedup(compared: Compared | None = None) -> Verdict:
    """Speed-up of reordered MLA's core when its 128 heads are divided over 8 accelerators (the paper's Observation
    5).
    """
    found = {
        f"{what}, {name}": float(np.median(pairs[what]))
        for name, pairs in tensor_parallel_speedups(compared).items()
        for what in ("measured", "predicted")
    }
    most = max(number for name, number in found.items() if name.startswith("measured"))
    verdict = SUPPORTED if most < 1.5 else PARTLY if most < 4 else CONTRADICTED
    reason = (
        f"Eight accelerators shorten the core at most {most:.2f}-fold in the median, as each reads the whole cache."
    )
    return Verdict(
        "TP of reordered MLA", "Does tensor parallelism speed up reordered MLA decode?", found, verdict, reason
    )


# -- 3 -----------------------------------------------------------------------------------------------------------
def prefill_ratio(compared: Compared | None = None) -> Verdict:
    """Whether reordering slows prefill by the ratio of FLOPs, as a compute-bound core must (Observation 2)."""
    pairs = prefill_ratios(compared)
    low, median, high = np.percentile(pairs["measured"], [5, 50, 95])
    found = {
        "measured, median": float(median),
        "measured, 5 %": float(low),
        "measured, 95 %": float(high),
        "FLOP ratio": float(np.median(pairs["flops"])),
    }
    error = abs(np.log(median / found["FLOP ratio"]))
    verdict = SUPPORTED if error < np.log(1.15) else PARTLY if error < np.log(1.5) else CONTRADICTED
    more = found["FLOP ratio"]
    reason = f"Reordering multiplies prefill time by {median:.2f} in the median; its FLOPs grow {more:.2f}-fold."
    return Verdict("reordering in prefill", "Does reordering slow prefill as its FLOPs say?", found, verdict, reason)


# -- 4 -----------------------------------------------------------------------------------------------------------
def expert_knee(compared: Compared | None = None) -> Verdict:
    """Where expert time leaves its floor, measured over predicted tokens per expert (Eq. 10).

    Decided where time has grown by half, which every series reaches; where it has doubled, as far as predictions go, is
    given beside it.
    """
    series = expert_series(compared)
    found = _knees(series, RISE)
    doubled = {f"{name}, doubled": ratio for name, ratio in _knees(series, 2.0).items()}
    low, high = min(found.values()), max(found.values())
    verdict = SUPPORTED if low > 0.8 and high < 1.25 else PARTLY if low > 0.4 and high < 2.5 else CONTRADICTED
    reason = (
        f"Time is flat and then grows, as the derivation says, but it has grown by half at {low:.2f} to {high:.2f} of "
        "the predicted tokens per expert, the least for narrow experts; wide ones have doubled at "
        f"{_range(doubled.values())}."
    )
    return Verdict(
        "knee of the experts", "Does expert time leave its floor at B_MoE?", found | doubled, verdict, reason
    )


def _knees(series: dict[str, dict[str, np.ndarray]], rise: float) -> dict[str, float]:
    """Measured over predicted tokens per expert at which time has risen so far, of the series where both have."""
    points = {
        name: [rising_point(each["tokens_per_expert"], each[what], rise) for what in ("measured", "predicted")]
        for name, each in series.items()
    }
    return {
        name: measured / predicted
        for name, (measured, predicted) in points.items()
        if np.isfinite(measured / predicted)
    }


def _range(ratios) -> str:
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


# -- 5 -----------------------------------------------------------------------------------------------------------
def exchange_bandwidth(compared: Compared | None = None) -> Verdict:
    """All-to-all against Eq. 13: added bytes over added time between the smallest and largest message of each series.

    Taking differences removes the fixed latency, so no alpha is fitted. Shares of the link's data sheet, by fabric.
    """
    compared = compared or compare()
    rows = exchanges(compared)
    found: dict[str, list[float]] = {}
    for part in exchange_series(rows):
        first, last = part[np.argmin(rows.prediction.wire[part])], part[np.argmax(rows.prediction.wire[part])]
        if first != last:
            share = (rows.prediction.wire[last] - rows.prediction.wire[first]) / (
                rows.latency[last] - rows.latency[first]
            )
            found.setdefault(fabric(rows, first), []).append(float(share))
    shares = {name: float(np.median(each)) for name, each in found.items()}
    single = one_level_time(rows)
    beaten = {
        "rows between nodes": float(np.isfinite(single).sum()),
        "faster than one level": float(np.sum(rows.latency < single)),
    }
    low = min(shares.values())
    verdict = SUPPORTED if low >= 0.8 else PARTLY if low >= 0.4 else CONTRADICTED
    reason = (
        f"Time grows with the bytes at {_span(shares.values())} of the links' rate, on top of a fixed latency (alpha, "
        "by default 0). "
        f"Between nodes the fast link must be counted too: {beaten['faster than one level']:.0f} of "
        f"{beaten['rows between nodes']:.0f} rows beat the paper's Eq. 13 with InfiniBand alone."
    )
    return Verdict(
        "all-to-all", "Does an all-to-all take the time of the paper's Eq. 13?", shares | beaten, verdict, reason
    )


TESTS = (attained_bandwidth, tensor_parallel_speedup, prefill_ratio, expert_knee, exchange_bandwidth)


def verdicts(compared: Compared | None = None) -> list[Verdict]:
    """All five tests."""
    compared = compared or compare()
    return [test(compared) for test in TESTS]
