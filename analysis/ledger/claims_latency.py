"""Claims about the time of one attention block, both contraction orders (C037 to C039, C047 to C050, C052)."""

import numpy as np

from analysis.ask.setting import Setting
from analysis.ledger.claims_intensity import B200, R1
from analysis.ledger.criteria import WORTHWHILE
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.readings import ABOVE, CRITERION, NO_MORE, Paper, Reading, holds
from analysis.ledger.surfaces import CONVENTIONS, ENDLESS, Surface, block_time, fits_memory, shares, slowdown, speedup
from analysis.systems.quantities import evaluate, quantity

TIME = quantity("attention_block_time").label
SHARES, SPEEDUP, PREFILL, TP = (
    "fig-reordering-shares",
    "fig-reordering-speedup",
    "fig-reordering-prefill",
    "fig-reordering-tp",
)


# -- shares of the block (Fig. 6b) -----------------------------------------------------------------
def _share_readings(paper: Paper, *stages: str) -> tuple[Reading, ...]:
    return tuple(
        paper.reading(name, sum(shares(**given)[stage] for stage in stages)) for name, given in CONVENTIONS.items()
    )


@claim("C037")
def _decompression_share(paper: Paper) -> Judgement:
    readings = _share_readings(paper, "decompression")
    reason = (
        f"Decompression takes {readings[0].value:.2f} % of the block, with the RoPE key copied into every head; "
        f"{readings[1].value:.2f} % if heads share it and {readings[2].value:.2f} % without RoPE."
    )
    return Judgement(readings, reason, "%", TIME, SHARES)


@claim("C038")
def _core_share(paper: Paper) -> Judgement:
    readings = _share_readings(paper, "core")
    ours, limit = readings[0].value, paper.numbers[0].value + paper.numbers[0].step / 2
    block = evaluate("attention_block_time", model=R1, accelerator=B200, B=128, L=4096, order="as_printed").value
    extra = block * (ours / limit - 1) * 1e6
    reason = (
        f"Core attention takes {ours:.2f} %, which rounds to {ours:.0f} and is {paper.numbers[0].value:.0f} only "
        f"if cut off; at least {extra:.0f} µs of work outside the roofline model, in a block of {block * 1e6:.0f} "
        "µs, would give the printed share."
    )
    return Judgement(readings, reason, "%", TIME, SHARES)


@claim("C039")
def _both_dominate(paper: Paper) -> Judgement:
    bound = paper.numbers[0].value
    stages = {name: shares(**given) for name, given in CONVENTIONS.items()}
    both = {name: each["decompression"] + each["core"] for name, each in stages.items()}
    readings = tuple(holds(name, share, ABOVE(share, bound)) for name, share in both.items())
    reason = (
        f"Together they take {readings[0].value:.2f} % of the block; the least under any reading is "
        f"{min(r.value for r in readings):.2f} %."
    )
    return Judgement(readings, reason, "%", TIME, SHARES)


# -- decode: without over with reordering (Fig. 6a) ------------------------------------------------
def _nearest(paper: Paper, name: str, cells: Surface) -> Reading:
    """The cell whose ratio is closest to what is printed, judged by rounding."""
    ratio, cell = cells.nearest(paper.numbers[0].value)
    return paper.reading(f"{name}: nearest cell {cell}", ratio)


def _largest(paper: Paper, name: str, cells: Surface) -> Reading:
    ratio, cell = cells.largest()
    return paper.reading(f"{name}: largest at {cell}", ratio)


def _ranges(cells: Surface) -> dict[str, Surface]:
    """Parts of the grid that a figure may show: by the longest context, and by memory or the largest batch."""
    batches = {"cells that fit memory": fits_memory(cells)} | {
        f"B up to {top}": top >= cells.B for top in (128, 256, 512)
    }
    contexts = {f", L up to {top}": top >= cells.L for top in (cells.L.max().astype(int), 16384, 8192, 4096, 2048)}
    return {batch + context: cells.where(b & c) for batch, b in batches.items() for context, c in contexts.items()}


def _speedup_readings(paper: Paper) -> tuple[tuple[Reading, ...], tuple[Reading, ...]]:
    """Readings of "up to": the largest cell of a range of the grid; and any cell under other conventions."""
    ranges = tuple(_largest(paper, name, cells) for name, cells in _ranges(speedup()).items())
    others = tuple(_nearest(paper, name, speedup(**given)) for name, given in CONVENTIONS.items())
    return ranges, others


def _fitting(readings: tuple[Reading, ...]) -> str:
    return f"{sum(reading.fits for reading in readings)} of {len(readings)}"


@claim("C047")
def _decode_speedup(paper: Paper) -> Judgement:
    ranges, others = _speedup_readings(paper)
    endless, _ = speedup(batches=(ENDLESS,), contexts=(ENDLESS,)).largest()
    ratio, cell = speedup().nearest(paper.numbers[0].value)
    reason = (
        f"A point of the grid of powers of two, not a bound: {ratio:.2f} at {cell} is the largest cell that fits "
        f"memory while L is at most 8192. Longer contexts reach {ranges[0].value:.2f} within memory and "
        f"{endless:.1f} without limit. {_fitting(ranges)} ranges of the grid and {_fitting(others)} sets of "
        "conventions give the printed value."
    )
    return Judgement(ranges + others, reason, "1", TIME, SPEEDUP)


@claim("C048")
def _decode_speedup_v1(paper: Paper) -> Judgement:
    ranges, others = _speedup_readings(paper)
    point = speedup(batches=(256,), contexts=(4096,))
    stored = "fits" if fits_memory(point)[0] else "does not fit"
    reason = (
        f"The closed form of C047 gives {point.ratio[0]:.2f} at B = 256 and L = 4096, a cell that {stored} memory "
        f"without reordering; {_fitting(ranges)} ranges of the grid and {_fitting(others)} sets of conventions "
        "give the printed value."
    )
    return Judgement(ranges + others, reason, "1", TIME, SPEEDUP)


# -- prefill: with over without reordering ---------------------------------------------------------
def _slowdown_readings(paper: Paper) -> tuple[Reading, ...]:
    bounds = tuple(
        _nearest(paper, f"causal {causal}, endless L", slowdown(batches=(1,), contexts=(ENDLESS,), causal=causal))
        for causal in (1, 0.5)
    )
    return bounds + tuple(
        _nearest(paper, f"{name}, causal {causal}", slowdown(causal=causal, **given))
        for name, given in CONVENTIONS.items()
        for causal in (1, 0.5)
    )


@claim("C049")
def _prefill_slowdown(paper: Paper) -> Judgement:
    readings = _slowdown_readings(paper)
    whole, half = (
        slowdown(batches=(64,), contexts=(length,), causal=causal).ratio[0]
        for length, causal in ((4096, 1), (8192, 0.5))
    )
    reason = (
        f"Fused core attention gives {whole:.3f} at L = 4096 with all scores computed and {half:.3f} at L = 8192 "
        f"with the causal half; the ratio goes on growing with L, to {readings[0].value:.2f}, so it is a grid "
        "point, not a bound."
    )
    return Judgement(readings, reason, "1", TIME, PREFILL)


@claim("C050")
def _prefill_slowdown_v1(paper: Paper) -> Judgement:
    cells = slowdown()
    readings = (
        _largest(paper, "cells with L up to 4096, as in C048", cells.where(cells.L <= 4096)),
        *_slowdown_readings(paper),
    )
    closest = min(readings, key=lambda reading: abs(reading.value - paper.numbers[0].value))
    reason = (
        f"Only the number is known: among powers of two no cell gives it under any of {len(readings)} readings, "
        f"the closest being {closest.value:.3f} ({closest.name})."
    )
    return Judgement(readings, reason, "1", TIME, PREFILL)


# -- tensor parallelism (Fig. 8) -------------------------------------------------------------------
def tensor_parallel_gain(batches: np.ndarray, degree: int, n_acc: int, order: str = "reordered") -> np.ndarray:
    """Block time at TP1 over block time at TP`degree` [1], for system batches; TP1 on `n_acc` accelerators."""
    given = {"model": R1, "accelerator": B200, "B": batches, "L": 4096, "order": order}
    first, second = (block_time(Setting.of(**given, n_acc=n, deg_TP=TP)) for n, TP in ((n_acc, 1), (degree, degree)))
    return first / second


@claim("C052")
def _no_gain_from_tp(paper: Paper) -> Judgement:
    degree, batches = 8, np.array([64.0, 128, 256, 512, 1024, 2048, 4096])
    names = {
        "equal accelerators and requests, reordered": tensor_parallel_gain(batches, degree, degree),
        "equal requests, TP1 on one accelerator, reordered": tensor_parallel_gain(batches, degree, 1),
        "equal requests, TP1 on one accelerator, not reordered": tensor_parallel_gain(batches, degree, 1, "as_printed"),
    }
    ranges = {name: (float(gain.min()), float(gain.max())) for name, gain in names.items()}
    equal, alone, printed_order = ranges.values()
    readings = (
        *(holds(f"{name}, no gain", each, NO_MORE(each[1])) for name, each in ranges.items()),
        *(
            holds(f"{name}, gain below {WORTHWHILE}", each, CRITERION(each[1], WORTHWHILE))
            for name, each in ranges.items()
        ),
    )
    reason = (
        f"On 8 accelerators TP8 runs at {equal[0]:.2f} to {equal[1]:.2f} times the speed of 8 data-parallel ones "
        f"(B = 64 to 4096); against one accelerator alone it gains {alone[0]:.2f} to {alone[1]:.2f} of 8, where it "
        f"gains {printed_order[0]:.2f} to {printed_order[1]:.2f} without reordering; how much is meaningful "
        f"the paper does not say, below {WORTHWHILE} is our choice, and communication is left out."
    )
    return Judgement(readings, reason, "1", TIME, TP)
