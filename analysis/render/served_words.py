"""Numbers of measured deployments for pages: how far predictions lie from them, as stated and as read otherwise."""

from functools import cache

import numpy as np

from analysis.measured.first_token import WAVES, burst
from analysis.measured.fitting import PUBLISHED
from analysis.measured.served import ALL, predicted, report, under_readings
from analysis.measured.serving_runs import load_runs


@cache
def _served(calibration: str | None) -> dict:
    return report(load_runs(), calibration)


def serving_error(name: str, calibrated: bool = True) -> float:
    """A number of the errors over all measured deployments: rows, median or p90 [1]."""
    return _served(PUBLISHED if calibrated else None)["groups"][0][name]


def serving_share(term: str) -> float:
    """Share of a term in the predicted time per output token of deployments, in the median [1]."""
    return _served(PUBLISHED)["shares"][term]


def serving_reading(name: str) -> float:
    """Median error over all deployments where what they do not state is read in another way [1]."""
    return _served(PUBLISHED)["readings"][name]


def version_number(model: str, version: str, name: str) -> float:
    """Of a model's runs by one version of an engine `rows` and `ratio`, the median of predicted over measured [1]; and
    the median and 90th percentile of the errors of all other runs, `others_median` and `others_p90` [1].
    """
    runs = load_runs()
    ratio = _stated() / [run.tpot_s for run in runs]
    on = np.array([(run.model, run.backend_version) == (model, version) for run in runs])
    others = np.abs(ratio[~on] - 1)
    found = {"rows": on.sum(), "ratio": np.median(ratio[on])}
    return (found | {"others_median": np.median(others), "others_p90": np.percentile(others, 90)})[name]


@cache
def _stated() -> np.ndarray:
    return predicted(load_runs(), PUBLISHED).tpot


def first_token_error(accelerator: str = ALL, model: str = ALL) -> float:
    """Median error of the time to first token of runs on an accelerator and of a model [1]."""
    groups = _served(PUBLISHED)["ttft"]
    return next(each["median"] for each in groups if (each["accelerator"], each["model"]) == (accelerator, model))


def first_token_so_far(part: str) -> float:
    """Median error of the time to first token over all runs if only its parts up to this one are counted [1]."""
    return _served(PUBLISHED)["ttft with parts so far"][part]


@cache
def first_token_constant(model: str) -> dict[str, float]:
    """What a first token of a model takes beside its prompt's length, from runs with the fewest `requests` in flight.

    A line through the medians at their shortest and longest prompts has a `constant` [s] and takes `each` [s] a token;
    `said_constant` and `said_each` are those of the predictions. Charged to every prompt of the runs with more
    in flight, which gave none of it, what is missing brings their median error [1] from `before` to `after`.
    """
    runs = [run for run in load_runs() if run.model == model and run.ttft_s]
    times = predicted(runs, PUBLISHED)
    measured, prompt, flight, groups = (
        np.array([getattr(run, name) for run in runs]) for name in ("ttft_s", "ISL", "concurrency", "deg_DP")
    )
    few = flight == flight.min()
    lines = [_line(prompt[few], seconds[few]) for seconds in (measured, times.ttft)]
    missing = lines[0][0] - lines[1][0]
    more = times.ttft + missing + burst(missing * flight / groups)
    errors = (float(np.median(np.abs(seconds / measured - 1)[~few])) for seconds in (times.ttft, more))
    names = ("constant", "each", "said_constant", "said_each", "before", "after")
    return {"requests": float(flight.min())} | dict(zip(names, (*lines[0], *lines[1], *errors), strict=True))


def _line(prompt: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """Constant [s] and slope [s a token] of a line through the medians at the shortest and the longest prompt."""
    ends = prompt.min(), prompt.max()
    low, high = (float(np.median(seconds[prompt == end])) for end in ends)
    each = (high - low) / float(ends[1] - ends[0])
    return low - each * float(ends[0]), each


def prompts_a_seat() -> int:
    """Prompts that a measuring client sends for each request in flight."""
    return WAVES


@cache
def cache_error(accelerator: str, model: str, width: int) -> float:
    """Median error of time per output token of a model's runs on an accelerator, their caches read as this wide [1]."""
    runs = [run for run in load_runs() if (run.accelerator, run.model) == (accelerator, model)]
    name = f"cache of {width} byte{'s' if width > 1 else ''}"
    times = under_readings(runs, PUBLISHED, (name,))[name].tpot
    return float(np.median(np.abs(times / [run.tpot_s for run in runs] - 1)))
