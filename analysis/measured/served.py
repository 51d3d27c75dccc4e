"""Time per output token and to first token of measured deployments, against what the system's closed forms say.

A step of a serving engine decodes one token of every request in flight. Where the same accelerators prefill too,
each request's tokens also wait for the prompts of the others: in the time of its OSL steps as many prompts arrive as
requests are in flight, so every step carries concurrency / OSL of them.
"""

from dataclasses import asdict, dataclass

import numpy as np
from sympy import Expr, Integer

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import serving
from analysis.derive.communication import all_reduce_time
from analysis.derive.decoder import block_counts
from analysis.derive.einsum import tensors
from analysis.derive.serving import ROUTED_OUTPUT
from analysis.derive.symbols import OSL, B, L
from analysis.measured.judging import scored
from analysis.measured.kernel_tables import BETWEEN_NODES
from analysis.measured.serving_runs import FORMATS, ServingRun
from analysis.measured.validity import together
from analysis.systems import system
from analysis.systems.timing import timing

CACHE_BYTES = {"trtllm": 1}  # TensorRT-LLM caches in FP8 where weights are quantised; the other engines in BF16
ALL = "all"


@dataclass(frozen=True)
class Predicted:
    """Seconds per output token by term, and to the first token; arrays of one entry per run."""

    terms: dict[str, np.ndarray]
    ttft: np.ndarray

    @property
    def tpot(self) -> np.ndarray:
        """Time per output token [s]."""
        return sum(self.terms.values())


def predicted(runs: list[ServingRun], calibration: str | None = None) -> Predicted:
    """Times of runs by the bare roofline or a calibration. Raises InputError for a model or device that is not
    known.
    """
    alike: dict[tuple, list[int]] = {}
    for number, run in enumerate(runs):
        alike.setdefault(_kind(run), []).append(number)
    found: dict[str, np.ndarray] = {}
    first = np.zeros(len(runs))
    for part in alike.values():
        terms, ttft = _times([runs[i] for i in part], calibration)
        first[part] = ttft
        for name, seconds in terms.items():
            found.setdefault(name, np.zeros(len(runs)))[part] = seconds
    return Predicted(found, first)


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


def _times(runs: list[ServingRun], calibration: str | None) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Terms of TPOT and time to first token of runs that differ in requests and lengths alone."""
    setting = setting_of(runs[0], calibration)
    flight, prompt, output = (
        np.array([getattr(run, name) for run in runs], float) for name in ("concurrency", "ISL", "OSL")
    )
    point = setting.point | {B: flight, L: prompt + output / 2, OSL: output}
    filling = serving.summed(step_terms(system.prefilling(setting)), setting["overlap"])
    forms = step_terms(setting)
    if runs[0].serving == "aggregated":
        forms |= {serving.OTHERS: serving.prefill_of_others(filling)}
    terms = {name: value(form, point) * np.ones(len(runs)) for name, form in forms.items()}
    prefill = value(serving.of_prompts(filling, serving.prompt_length()), point)
    return terms, prefill + sum(time for name, time in terms.items() if name != serving.OTHERS)


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
    """Errors of TPOT and TTFT by accelerator and model, and over all; the share of each term in predicted TPOT."""
    times = predicted(runs, calibration)
    tpot = times.tpot / np.array([run.tpot_s for run in runs])
    first = times.ttft / np.array([run.ttft_s or np.nan for run in runs])
    shares = {name: float(np.median(seconds / times.tpot)) for name, seconds in times.terms.items()}
    return {
        "rows": len(runs),
        "calibration": calibration,
        "groups": _errors(runs, tpot),
        "ttft": _errors(runs, first),
        "shares": {name: share for name, share in shares.items() if share > 0},
    }


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
