"""Claims about one all-to-all (C069 to C071), and the tokens and latency that the two printed times imply.

Eq. 13 is a line in the token count and in alpha. With the latency of each link as its row has it, one printed time
gives the tokens and so foretells the other time, which can fail; with one unknown alpha for both links, the two times
give tokens and alpha, which cannot. The tokens so found are no reading of the 128 that the paper states.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from analysis.ask.numbers import value
from analysis.data import datasets
from analysis.derive.communication import dispatched_bytes
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.paper_systems import R1, accelerators, scenario
from analysis.ledger.printed_values import printed
from analysis.ledger.readings import Paper, Reading, holds
from analysis.routing.inputs import Band
from analysis.routing.sampling import busiest_arrivals
from analysis.systems.quantities import evaluate, quantity

LABEL, FIGURE = quantity("all_to_all_time").label, "fig-interconnect-throughput"
NVLINK, INFINIBAND, TOKENS, GROUP = "nvlink5-b200", "ib-xdr", 128, 8
TIMES = {NVLINK: "C069", INFINIBAND: "C070"}
STEPS = 400  # random routing steps whose busiest accelerators span the band


def _time(link: str, tokens: float = TOKENS, **given) -> float:
    """One dispatch [us] of R1 on 32 accelerators, so many tokens on each."""
    setting = scenario(R1, link=link, **given)
    return evaluate("all_to_all_time", setting.with_(B=round(tokens * accelerators(setting)))).value * 1e6


def _bytes_per_token() -> float:
    """Bytes of the wires per token of an accelerator [byte]."""
    setting = scenario(R1).with_(B=accelerators(scenario(R1)))
    return float(value(dispatched_bytes(), setting.point))


def _printed(link: str) -> float:
    return printed(TIMES[link])[0].value * 1e-6


def _rate(link: str) -> float:
    return datasets.interconnect(link).BW_Int * 1e9


def _latency(link: str) -> float:
    return datasets.interconnect(link).latency * 1e-6


@dataclass(frozen=True)
class Inverse:
    """Tokens per accelerator and latency [s] that give a printed time."""

    tokens: float
    alpha: float


@cache
def common_alpha() -> Inverse:
    """Tokens and the one alpha of both links that give both printed times."""
    seconds_per_byte = 1 / _rate(INFINIBAND) - 1 / _rate(NVLINK)
    moved = (_printed(INFINIBAND) - _printed(NVLINK)) / seconds_per_byte
    return Inverse(moved / _bytes_per_token(), _printed(NVLINK) - moved / _rate(NVLINK))


def own_alpha(link: str) -> Inverse:
    """Tokens that give a link's printed time with the latency of its row."""
    moved = (_printed(link) - _latency(link)) * _rate(link)
    return Inverse(moved / _bytes_per_token(), _latency(link))


def needed_alpha(link: str) -> float:
    """Latency [s] that gives a link's printed time with 128 tokens."""
    return _printed(link) - TOKENS * _bytes_per_token() / _rate(link)


@cache
def random_copies() -> Band:
    """Copies [1] sent to the busiest accelerator when 128 tokens on each pick experts evenly at random.

    Those for experts at home stay. The mean of `STEPS` seeded routing steps, and the band that holds 95 % of them.
    """
    setting = scenario(R1)
    sent = busiest_arrivals(setting.model.n_e, setting.model.n_k, accelerators(setting), TOKENS, STEPS)
    return Band(float(sent.mean()), *map(float, np.quantile(sent, [0.025, 0.975])))


def random_times(link: str) -> Band:
    """One dispatch [us] to the busiest accelerator of `random_copies`, latency included."""
    per_copy = _bytes_per_token() / scenario(R1).model.n_k / _rate(link)
    return Band(*((copies * per_copy + _latency(link)) * 1e6 for copies in random_copies()))


def foretold(link: str, other: str) -> float:
    """The time [us] on a link if it carries the bytes that the other link's printed time implies, each link's alpha."""
    moved = (_printed(other) - _latency(other)) * _rate(other)
    return (moved / _rate(link) + _latency(link)) * 1e6


def _picked() -> int:
    return scenario(R1).model.n_k


def _away() -> float:
    """Share of the copies that leave the accelerator they start on [1]."""
    return 1 - 1 / accelerators(scenario(R1))


def _readings(paper: Paper, link: str) -> tuple[Reading, ...]:
    """Every reading of 128 tokens; a token count that is solved for is no reading of them."""
    alphas = {"alpha = 0": 0.0, "alpha of the link": _latency(link) * 1e6}
    times = {
        "128 tokens": _time(link),
        "128 tokens, copies at home not sent": _time(link) * _away(),
        "128 tokens left after those at home": _time(link) / _away(),
    }
    if link == INFINIBAND:
        times[f"128 tokens, NVLink inside groups of {GROUP}"] = _time(NVLINK, link_between=link, group=GROUP)
    even = tuple(
        paper.reading(f"{name}, {alpha}", time + added)
        for name, time in times.items()
        for alpha, added in alphas.items()
    )
    band = random_times(link)
    name = f"128 tokens routed evenly at random, copies at home not sent, alpha of the link: 95 % of {STEPS} steps"
    return *even, paper.band(name, band.low, band.high)


@claim("C069")
def _nvlink(paper: Paper) -> Judgement:
    readings = _readings(paper, NVLINK)
    solved, own = common_alpha(), own_alpha(NVLINK)
    copies, times = random_copies(), random_times(NVLINK)
    reason = (
        f"128 tokens take {readings[0].value:.2f} µs, {readings[1].value:.2f} with the link's "
        f"{_latency(NVLINK) * 1e6:g} µs; with the links' own alphas C070's time foretells "
        f"{foretold(NVLINK, INFINIBAND):.2f} µs here, so both times mean the same {own.tokens * _picked():.0f} copies "
        f"instead of {TOKENS * _picked()}, and evenly random routing, copies at home left out, sends the busiest "
        f"accelerator {copies.mean:.0f} ({copies.low:.0f} to {copies.high:.0f} in 95 % of {STEPS} steps), which take "
        f"{times.mean:.2f} µs; one alpha for both links would mean {solved.tokens:.1f} tokens and "
        f"{solved.alpha * 1e6:.2f} µs."
    )
    return Judgement(readings, reason, "us", LABEL, FIGURE)


@claim("C070")
def _infiniband(paper: Paper) -> Judgement:
    readings = _readings(paper, INFINIBAND)
    grouped = next(reading.value for reading in readings if "NVLink inside" in reading.name)
    reason = (
        f"128 tokens take {readings[0].value:.1f} µs, {readings[1].value:.2f} with the link's "
        f"{_latency(INFINIBAND) * 1e6:g} µs; the busiest accelerator of evenly random routing takes "
        f"{random_times(INFINIBAND).mean:.1f}; the printed time needs {own_alpha(INFINIBAND).tokens:.1f} tokens, as "
        f"C069 does, or an alpha of {needed_alpha(INFINIBAND) * 1e6:.1f} µs, and with NVLink inside groups of {GROUP} "
        f"the wires would need only {grouped:.1f} µs, so the number takes InfiniBand for every transfer."
    )
    return Judgement(readings, reason, "us", LABEL, FIGURE)


@claim("C071")
def _alpha(paper: Paper) -> Judgement:
    solved = common_alpha()
    each = {link: needed_alpha(link) * 1e6 for link in TIMES}
    readings = (
        holds("one alpha for both links", solved.alpha * 1e6),
        *(holds(f"128 tokens, {link}", alpha) for link, alpha in each.items()),
    )
    reason = (
        f"The paper gives no value: its two times imply {solved.alpha * 1e6:.2f} µs if both links share it, or "
        f"{each[NVLINK]:.2f} µs for NVLink and {each[INFINIBAND]:.1f} µs for InfiniBand if 128 tokens are exact."
    )
    return Judgement(readings, reason, "us", LABEL, FIGURE)
