"""The best way to serve a model on given accelerators: degrees of parallelism and batch, by exhaustion.

Throughput B / TPOT(B) never falls with B: every term of TPOT divided by B is the larger of a constant and a falling
function. So the best batch of a pair of degrees is the largest that memory and the SLO admit, and plans are compared
at that batch. All pairs are tried at once, as a setting whose degrees are lists.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.ask import gammas
from analysis.ask.degrees import degrees as every_degree
from analysis.ask.degrees import divides_experts, divides_system, divisors, slots
from analysis.ask.kept_forms import compiled, values
from analysis.ask.reading import refuse_lists
from analysis.ask.setting import Setting
from analysis.derive.choices import COMMUNICATION
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.quantities import quantity
from analysis.systems.utilisation import utilisation

CAPACITY, SLO = "memory capacity", "time per token (slo)"
SAME = 0.1  # difference in throughput [%] that no reader would choose by
NEEDED = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 32, "L": 8192}
"""What a plan starts from, with an example; without n_acc it is of one accelerator."""
CHOSEN = ("B", "deg_DP")  # what a plan chooses, so that a reader cannot give it


@dataclass(frozen=True)
class Plan:
    """Degrees and batch of one plan, its TPOT [s] and terms [s], tokens/s and accelerator, and what stops the batch.

    `asked` is the setting that was to be planned, `chosen` the degrees as parameters of it.
    """

    asked: Setting
    chosen: dict[str, int]
    batch: int
    tpot: float
    per_accelerator: float
    binding: str
    terms: dict[str, float]

    @cached_property
    def setting(self) -> Setting:
        """The setting with the plan's degrees."""
        return self.asked.with_(**self.chosen)

    @property
    def degrees(self) -> dict[str, int]:
        """deg_TP, deg_DP and deg_EP, and deg_ETP where experts are split."""
        found = every_degree(self.setting)
        names = ("deg_TP", "deg_DP", "deg_EP") if self.setting.model.n_moe else ("deg_TP", "deg_DP")
        names += ("deg_ETP",) if self.setting.lie[0] else ()
        return {name: int(found[name]) for name in names}

    @property
    def utilisation(self) -> dict[str, float]:
        """Share of each resource in use over a step [1]."""
        return utilisation(self.setting, self.batch, self.tpot)


def candidates(setting: Setting) -> list[dict[str, int]]:
    """Every pair of degrees that can be built, as parameters; degrees that the reader gave stay as they are.

    Experts stay whole unless deg_ETP asks for them to be split.
    """
    row, count, parts = setting.model, int(setting["n_acc"]), setting["deg_ETP"] or 1
    TPs = [setting["deg_TP"]] if "deg_TP" in setting.given else divisors(count, max(heads for heads, _ in row.heads))
    free = divisors(count, _most_holders(setting)) if row.n_moe else [None]
    EPs = free if setting["deg_EP"] is None else [setting["deg_EP"]]
    able = [TP for TP in TPs if divides_system(TP, setting) and parts in (1, TP)]
    experts = [EP for EP in EPs if EP is None or (row.n_moe and divides_experts(EP, slots(setting, EP), count, parts))]
    return [{"deg_TP": TP} | ({} if EP is None else {"deg_EP": EP}) for TP in able for EP in experts]


def _most_holders(setting: Setting) -> int:
    """The most accelerators that can share the experts of a block: one for each expert and each copy asked for."""
    return setting.model.n_e + int(setting["copies"] or 0)


def together(setting: Setting, pairs: list[dict[str, int]]) -> Setting:
    """One setting of all pairs of degrees, as lists; under skew with the load that each number of holders gives."""
    lists = {name: np.array([pair[name] for pair in pairs], dtype=float) for name in pairs[0]}
    if np.any(setting["s"]) and setting["Gamma_imb"] is None:
        apart = {pair.get("deg_EP"): pair for pair in pairs}
        loads = {holders: gammas.imbalance(setting.with_(**pair)) for holders, pair in apart.items()}
        lists["Gamma_imb"] = np.array([loads[pair.get("deg_EP")] for pair in pairs])
    return Setting(setting.given | lists)


def planned(setting: Setting, pairs: list[dict[str, int]]) -> Iterator[Plan]:
    """The plan of each pair of degrees at the largest batch that memory and the SLO admit, where one fits."""
    every = together(setting, pairs)
    cap = system.B_cap_value(every)
    within = np.inf if setting["slo"] is None else system.B_SLO_value(every, cap)
    batch = system.rounded(np.minimum(cap, within), every)
    found = terms(every, batch)
    tpot = sum_of(setting, found)
    rate = batch / tpot / setting["n_acc"]
    able = np.isfinite(batch) & (batch >= every.numbers["deg_DP"]) & np.isfinite(tpot)
    for i in np.flatnonzero(able):
        binding = CAPACITY if cap[i] <= np.broadcast_to(within, cap.shape)[i] else SLO
        own = {name: float(term[i]) for name, term in found.items()}
        yield Plan(setting, pairs[i], int(batch[i]), float(tpot[i]), float(rate[i]), binding, own)


def terms(setting: Setting, batch: np.ndarray) -> dict[str, np.ndarray]:
    """Terms of TPOT [s] at a batch for each of the setting's degrees."""
    found = values(compiled(system.terms, setting), setting.numbers | {"B": batch})
    return {name: np.broadcast_to(each, batch.shape) for name, each in found.items()}


def checked(setting: Setting) -> Setting:
    """Refuse what a plan cannot start from. Raises InputError."""
    taken = [name for name in CHOSEN if name in setting.given]
    if taken:
        raise InputError(f"{taken[0]}={setting[taken[0]]}: a plan chooses {' and '.join(CHOSEN)} itself; leave it out.")
    missing = [name for name in NEEDED if name not in setting.given]
    if missing and missing != ["n_acc"]:
        example = " ".join(f"{name}={NEEDED[name]}" for name in missing)
        raise InputError(f"needed: {', '.join(f'{name}=' for name in missing)}; give them, for example {example}.")
    refuse_lists(setting.given, "a plan")
    quantity("tpot").domain(setting)
    return setting


def plans(setting: Setting) -> list[Plan]:
    """Every feasible plan, the highest throughput per accelerator first, fewer shards first among equals.

    Raises InputError where nothing fits, saying what stands in the way.
    """
    pairs = candidates(checked(setting))
    found = list(planned(setting, pairs)) if pairs else []
    if not found:
        raise InputError(_nothing(setting, pairs))
    return sorted(found, key=lambda plan: (-float(f"{plan.per_accelerator:.9g}"), plan.chosen["deg_TP"]))


def _nothing(setting: Setting, pairs: list[dict[str, int]]) -> str:
    where = f"n_acc={setting['n_acc']}, L={setting['L']:g}" + (f", slo={setting['slo']:g}" if setting["slo"] else "")
    if not pairs:
        fixed = [f"{name}={setting[name]}" for name in ("deg_TP", "deg_EP") if name in setting.given]
        remedy = f"leave {' and '.join(fixed)} out, or give a divisor" if fixed else "give another n_acc"
        return f"{where}: no degrees divide both the accelerators and the heads (or experts); {remedy}."
    every = together(setting, pairs)
    groups = every.numbers["deg_DP"]
    holding = system.B_cap_value(every) >= groups
    if not np.any(holding):
        return (
            f"{where}: in no arrangement do weights and one context per group fit memory; give more accelerators, or a "
            "number that more degrees divide."
        )
    least = np.min(sum_of(setting, terms(every, groups)), where=holding, initial=np.inf)  # one request per group
    if setting["slo"] is None or not np.isfinite(least):
        return f"{where}: a token takes longer than numbers tell; check the bandwidths and widths that were given."
    return (
        f"{where}: memory would hold a batch, but none meets the SLO in any arrangement; a token takes {least:.3g} s "
        "at least; give a larger slo."
    )


def sum_of(setting: Setting, found: dict[str, float]):
    """TPOT [s] from its terms (numbers or arrays), communication hidden where the setting says so."""
    wires = sum(found[name] for name in COMMUNICATION)
    work = sum(found.values()) - wires
    return work + wires if setting["overlap"] == "none" else np.maximum(work, wires)


def why_second(best: Plan, second: Plan) -> str:
    """Why a plan loses to the best: its batch, and the term that costs most more per request."""
    loss = 100 * (1 - second.per_accelerator / best.per_accelerator)
    if loss < SAME:
        each = f"a token every {1e3 * second.tpot:.4g} ms, the best one every {1e3 * best.tpot:.4g} ms"
        return f"it gives the same throughput, to {SAME:g} %, and {each}"
    per_request = {name: second.terms[name] / second.batch - best.terms[name] / best.batch for name in best.terms}
    worst = max(per_request, key=per_request.get)
    change = f"{1e6 * per_request[worst]:.3g} µs more per request go to {worst.replace('_', ' ')}"
    batches = f"{second.binding} stops it at batch {second.batch:,}, the best at {best.batch:,}"
    return f"{loss:.3g} % less throughput: {batches}, and {change}"
