"""Time per output token and to first token of measured deployments, against what the system's closed forms say.

A step of a serving engine decodes one token of every request in flight. Where the same accelerators prefill too,
each request's tokens also wait for the prompts of the others: in the time of its OSL steps as many prompts arrive as
requests are in flight, so every step carries concurrency / OSL of them. What a first token waits for stands in
`first_token`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from sympy import Add, Expr, Integer

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import serving
from analysis.derive.communication import all_reduce_time
from analysis.derive.decoder import block_counts
from analysis.derive.einsum import tensors
from analysis.derive.serving import COMMUNICATION as WIRES
from analysis.derive.serving import ROUTED_OUTPUT
from analysis.derive.symbols import OSL, B, L, deg_DP, width_kv
from analysis.measured.first_token import PARTS, errors_so_far, first_token
from analysis.measured.judging import scored
from analysis.measured.kernel_tables import BETWEEN_NODES
from analysis.measured.serving_runs import FORMATS, ServingRun
from analysis.measured.validity import together
from analysis.measured.what_is_known import of_runs, stray
from analysis.systems import system
from analysis.systems.timing import timing

CACHE_BYTES = {"trtllm": 1}  # TensorRT-LLM caches in FP8 where weights are quantised; the other engines in BF16
ALL = "all"


@dataclass(frozen=True)
class Predicted:
    """Seconds per output token by term and in all, and to the first token by part; arrays of one entry per run.

    Disaggregated runs do not describe the accelerators that prefill: their time to first token is nan.
    """

    terms: dict[str, np.ndarray]
    tpot: np.ndarray
    first: dict[str, np.ndarray]

    @property
    def ttft(self) -> np.ndarray:
        """Seconds to the first token."""
        return sum(self.first[name] for name in PARTS)


@dataclass(frozen=True)
class Reading:
    """What a run does not state: bytes of a cached element (None: as `setting_of` has it), and what hides wires."""

    width_kv: float | None = None
    overlap: str = "none"


STATED = "as stated"
READINGS = {
    STATED: Reading(),
    "cache of 2 bytes": Reading(width_kv=2),
    "cache of 1 byte": Reading(width_kv=1),
    "wires hidden": Reading(overlap="comm"),
}
"""The spread of predictions over them is a prediction's error bar."""

TURNS = "half batches in turns"
TRIED = READINGS | {TURNS: Reading(overlap=serving.HALVES)}
"""Also what engines can be made to do, which these runs do not look like."""


def predicted(runs: list[ServingRun], calibration: str | None = None) -> Predicted:
    """Times of runs by the bare roofline or a calibration. Raises InputError for a model or device that is not
    known.
    """
    return under_readings(runs, calibration, (STATED,))[STATED]


def under_readings(
    runs: list[ServingRun], calibration: str | None = None, names: Iterable[str] = tuple(TRIED)
) -> dict[str, Predicted]:
    """Times of runs under each reading. Raises InputError."""
    alike: dict[tuple, list[int]] = {}
    for number, run in enumerate(runs):
        alike.setdefault(_kind(run), []).append(number)
    found = {name: Predicted({}, np.zeros(len(runs)), {}) for name in names}
    for part in alike.values():
        forms = Forms.of(setting_of(runs[part[0]], calibration))
        for name, whole in found.items():
            one = forms.times([runs[i] for i in part], TRIED[name])
            whole.tpot[part] = one.tpot
            for kept, new in ((whole.terms, one.terms), (whole.first, one.first)):
                for term, seconds in new.items():
                    kept.setdefault(term, np.zeros(len(runs)))[part] = seconds
    return found


def _kind(run: ServingRun) -> tuple:
    degrees = run.n_acc, run.deg_TP, run.deg_TP_experts, run.deg_EP
    return run.model, run.accelerator, run.serving, _cache_width(run), run.precision, *degrees


def _cache_width(run: ServingRun) -> int:
    return min(CACHE_BYTES.get(run.backend, 2), 2) if run.precision != "bf16" else 2


def setting_of(run: ServingRun, calibration: str | None = None) -> Setting:
    """The system that a run describes.

    Weights are as wide as their format, activations two bytes. Arithmetic runs at the format's peak where the
    accelerator has one, else at that of BF16. Experts split among a tensor-parallel group are taken as such; else
    each stays whole.
    """
    device = datasets.accelerator(run.accelerator)
    peak = run.precision if getattr(device, f"P_{run.precision}", None) else "bf16"
    split = run.deg_TP_experts == run.deg_TP > 1 and run.deg_TP * run.deg_EP == run.n_acc
    experts = {"deg_ETP": run.deg_TP, "deg_EP": run.deg_EP} if split else {"deg_EP": run.n_acc, "deg_ETP": 1}
    joined = together(run.accelerator)
    between = {"link_between": BETWEEN_NODES, "group": joined} if run.n_acc > joined else {}
    return Setting.of(
        model=run.model,
        accelerator=run.accelerator,
        n_acc=run.n_acc,
        deg_TP=run.deg_TP,
        peak=peak,
        width_weights=FORMATS[run.precision],
        width_kv=_cache_width(run),
        width_activations=2,
        calibration=calibration,
        **(experts | between if datasets.model(run.model).n_moe else {}),
    )


@dataclass(frozen=True)
class Forms:
    """Closed forms of runs that differ in requests and lengths alone: terms of a step, and per output token what the
    prompts of others take of work and of wires [s].
    """

    setting: Setting
    step: dict[str, Expr]
    others: dict[str, Expr]

    @classmethod
    def of(cls, setting: Setting) -> "Forms":
        """The forms of a setting."""
        filling = step_terms(system.prefilling(setting))
        parts = {wired: [form for name, form in filling.items() if (name in WIRES) == wired] for wired in (False, True)}
        others = {name: serving.prefill_of_others(Add(*parts[name == "wires"])) for name in ("work", "wires")}
        return cls(setting, step_terms(setting), others)

    def times(self, runs: list[ServingRun], reading: Reading) -> Predicted:
        """Times of runs under a reading."""
        flight, prompt, output = (
            np.array([getattr(run, name) for run in runs], float) for name in ("concurrency", "ISL", "OSL")
        )
        turns = 2 if reading.overlap == serving.HALVES else 1
        point = self.setting.point | {B: flight / turns, L: prompt + output / 2, OSL: output}
        point |= {width_kv: reading.width_kv} if reading.width_kv else {}
        step, others = (
            {name: turns * value(form, point) * np.ones(len(runs)) for name, form in forms.items()}
            for forms in (self.step, self.others)
        )
        wires = sum(step[name] for name in WIRES)
        decode = _overlapped(sum(step.values()) - wires, wires, reading.overlap)
        prefill = _overlapped(others["work"], others["wires"], reading.overlap)
        if runs[0].serving == "disaggregated":
            return Predicted(step, decode, dict.fromkeys(PARTS, np.full(len(runs), np.nan)))
        prompts = prefill * output
        first = first_token(decode, prefill, prompts * self.setting.point[deg_DP] / flight, prompts)
        return Predicted(step | {serving.OTHERS: prefill}, decode + prefill, first)


def _overlapped(work: np.ndarray, wires: np.ndarray, overlap: str) -> np.ndarray:
    return work + wires if overlap == "none" else np.maximum(work, wires)


def step_terms(setting: Setting) -> dict[str, Expr]:
    """Terms of a step [s]. Where one tensor-parallel group spans the system each accelerator holds every token: nothing
    is dispatched, and what experts return is summed as by any tensor-parallel layer.
    """
    found = dict(system.terms(setting))
    if setting["n_acc"] == setting["deg_TP"] and setting.architecture.experts and not setting.layout.split:
        blocks = block_counts(setting.architecture)["routed"]
        found["all_reduce"] += blocks * all_reduce_time(tensors(ROUTED_OUTPUT), timing(setting))
        found |= dict.fromkeys(("dispatch", "combine"), Integer(0))
    return found


def report(runs: list[ServingRun], calibration: str | None = None) -> dict:
    """Errors of TPOT and TTFT by accelerator and model, and over all; the share of each term in predicted TPOT.

    `low` and `high` of a group are its median of predicted over measured under the readings that make it least and
    most; `readings` are the median errors over all under each.
    """
    found, measured = under_readings(runs, calibration), np.array([run.tpot_s for run in runs])
    times = found[STATED]
    ratios = {name: each.tpot / measured for name, each in found.items()}
    first = np.array([run.ttft_s or np.nan for run in runs])
    shares = {name: float(np.median(seconds / times.tpot)) for name, seconds in times.terms.items()}
    return {
        "rows": len(runs),
        "calibration": calibration,
        "notes": [*of_runs(runs, calibration), *stray(float(np.median(ratios[STATED])), "the rows", "tpot_s")],
        "groups": _with_spread([_errors(runs, ratios[name]) for name in READINGS]),
        "ttft": _errors(runs, times.ttft / first),
        "ttft with parts so far": errors_so_far(times.first, first),
        "readings": {name: float(np.median(np.abs(each - 1))) for name, each in ratios.items()},
        "shares": {name: share for name, share in shares.items() if share > 0},
    }


def _with_spread(found: list[list[dict]]) -> list[dict]:
    """Groups of the first reading with the least and the largest of their median ratios under all."""
    alike = list(zip(*found, strict=True))
    ratios = [[group["median_ratio"] for group in each] for each in alike]
    return [each[0] | {"low": min(those), "high": max(those)} for each, those in zip(alike, ratios, strict=True)]


def _errors(runs: list[ServingRun], ratio: np.ndarray) -> list[dict]:
    names = {key: np.array([getattr(run, key) for run in runs]) for key in ("accelerator", "model")}
    found = []
    for accelerator in (ALL, *dict.fromkeys(names["accelerator"])):
        for model in (ALL, *dict.fromkeys(names["model"])):
            on = np.isfinite(ratio)
            for key, wanted in (("accelerator", accelerator), ("model", model)):
                on &= (names[key] == wanted) | (wanted == ALL)
            if on.any():
                row = asdict(scored("", str(accelerator), "", ratio[on]))
                found.append({"accelerator": row["accelerator"], "model": str(model)} | _numbers(row))
    return found


def _numbers(row: dict) -> dict:
    return {key: row[key] for key in ("rows", "median", "p90", "median_ratio")}
