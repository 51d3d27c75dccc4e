"""The best way to serve a model on given accelerators: degrees of parallelism and batch, by exhaustion.

Throughput B / TPOT(B) never falls with B: every term of TPOT divided by B is the larger of a constant and a falling
function. So the best batch of a pair of degrees is the largest that memory and the SLO admit, and plans are compared
at that batch.
"""

from dataclasses import dataclass

import numpy as np

from analysis.ask.degrees import divides_experts, divides_system, divisors, domain_note, slots
from analysis.ask.numbers import value
from analysis.ask.reading import refuse_lists
from analysis.ask.setting import Setting
from analysis.derive import serving
from analysis.derive.symbols import B, deg_DP, n_acc
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.quantities import quantity
from analysis.systems.utilisation import utilisation

CAPACITY, SLO = "memory capacity", "time per token (slo)"
SAME = 1e-4  # difference in throughput [%] that is none
NEEDED = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 32, "L": 8192}
"""What a plan starts from, with an example; without n_acc it is of one accelerator."""
CHOSEN = ("B", "deg_DP")  # what a plan chooses, so that a reader cannot give it


@dataclass(frozen=True)
class Plan:
    """Degrees and batch of one plan, its TPOT [s] and terms [s], tokens/s and accelerator, and what stops the batch."""

    setting: Setting
    batch: int
    tpot: float
    per_accelerator: float
    binding: str
    terms: dict[str, float]

    @property
    def degrees(self) -> dict[str, int]:
        """deg_TP, deg_DP and deg_EP, and deg_ETP where experts are split."""
        echo = self.setting.echo
        names = ("deg_TP", "deg_DP", "deg_EP") if self.setting.model.n_moe else ("deg_TP", "deg_DP")
        names += ("deg_ETP",) if self.setting.layout.split else ()
        return {name: int(echo[name]) for name in names}

    @property
    def utilisation(self) -> dict[str, float]:
        """Share of each resource in use over a step [1]."""
        return utilisation(self.setting, self.batch, self.tpot)


def candidates(setting: Setting) -> list[Setting]:
    """The setting with every pair of degrees that can be built; degrees that the reader gave stay as they are.

    Experts stay whole unless deg_ETP asks for them to be split.
    """
    row, count, parts = setting.model, int(setting["n_acc"]), setting["deg_ETP"] or 1
    TPs = [setting["deg_TP"]] if "deg_TP" in setting.given else divisors(count, row.n_hd)
    free = divisors(count, _most_holders(setting)) if row.n_moe else [None]
    EPs = free if setting["deg_EP"] is None else [setting["deg_EP"]]
    able = [TP for TP in TPs if divides_system(TP, setting) and parts in (1, TP)]
    experts = [EP for EP in EPs if EP is None or (row.n_moe and divides_experts(EP, slots(setting, EP), count, parts))]
    return [setting.with_(deg_TP=TP, deg_EP=EP) for TP in able for EP in experts]


def _most_holders(setting: Setting) -> int:
    """The most accelerators that can share the experts of a block: one for each expert and each copy asked for."""
    return setting.model.n_e + int(setting["copies"] or 0)


def planned(setting: Setting) -> Plan | None:
    """The plan of one pair of degrees at the largest batch that memory and the SLO admit; None where none fits."""
    cap = float(system.B_cap_value(setting))
    within = np.inf if setting["slo"] is None else float(system.B_SLO_value(setting))
    batch = float(system.rounded(min(cap, within), setting))
    if not np.isfinite(batch) or batch < float(setting.point[deg_DP]):
        return None
    found = terms(setting, batch)
    tpot = sum_of(setting, found)
    if not np.isfinite(tpot):
        return None
    rate = batch / tpot / float(setting.point[n_acc])
    return Plan(setting, int(batch), tpot, rate, CAPACITY if cap <= within else SLO, found)


def terms(setting: Setting, batch: float) -> dict[str, float]:
    """Terms of TPOT [s] at a batch."""
    forms = system.terms(setting)
    return {name: float(value(form, setting.point | {B: batch})) for name, form in forms.items()}


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
    every = candidates(checked(setting))
    found = [plan for plan in map(planned, every) if plan]
    if not found:
        raise InputError(_nothing(setting, every))
    return sorted(found, key=lambda plan: (-float(f"{plan.per_accelerator:.9g}"), plan.degrees["deg_TP"]))


def _nothing(setting: Setting, every: list[Setting]) -> str:
    room = max((float(system.B_cap_value(each) - each.point[deg_DP]) for each in every), default=-1)
    where = f"n_acc={setting['n_acc']}, L={setting['L']:g}" + (f", slo={setting['slo']:g}" if setting["slo"] else "")
    if not every:
        fixed = [f"{name}={setting[name]}" for name in ("deg_TP", "deg_EP") if name in setting.given]
        remedy = f"leave {' and '.join(fixed)} out, or give a divisor" if fixed else "give another n_acc"
        return f"{where}: no degrees divide both the accelerators and the heads (or experts); {remedy}."
    if room < 0:
        return (
            f"{where}: in no arrangement do weights and one context per group fit memory; give more accelerators, or a "
            "number that more degrees divide."
        )
    least = min(map(_shortest, every), default=np.inf)
    if setting["slo"] is None or not np.isfinite(least):
        return f"{where}: a token takes longer than numbers tell; check the bandwidths and widths that were given."
    return (
        f"{where}: memory would hold a batch, but none meets the SLO in any arrangement; a token takes {least:.3g} s "
        "at least; give a larger slo."
    )


def _shortest(setting: Setting) -> float:
    """TPOT [s] of one request per group, the least that a pair of degrees can serve; inf where it does not fit."""
    batch = float(setting.point[deg_DP])
    return sum_of(setting, terms(setting, batch)) if float(system.B_cap_value(setting)) >= batch else np.inf


def sum_of(setting: Setting, found: dict[str, float]) -> float:
    """TPOT [s] from its terms, communication hidden where the setting says so."""
    wires = sum(found[name] for name in serving.COMMUNICATION)
    work = sum(found.values()) - wires
    return max(work, wires) if setting["overlap"] == "comm" else work + wires


def notes(setting: Setting) -> list[str]:
    """What a reader of a plan must know."""
    return [each for each in (domain_note(setting),) if each]


def why_second(best: Plan, second: Plan) -> str:
    """Why a plan loses to the best: its batch, and the term that costs most more per request."""
    loss = 100 * (1 - second.per_accelerator / best.per_accelerator)
    if loss < SAME:
        return f"it gives the same throughput, to {SAME:g} %"
    per_request = {name: second.terms[name] / second.batch - best.terms[name] / best.batch for name in best.terms}
    worst = max(per_request, key=per_request.get)
    change = f"{1e6 * per_request[worst]:.3g} us more per request go to {worst.replace('_', ' ')}"
    batches = f"{second.binding} stops it at batch {second.batch}, the best at {best.batch}"
    return f"{loss:.3g} % less throughput: {batches}, and {change}"
