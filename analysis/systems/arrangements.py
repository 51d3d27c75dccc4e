"""Settings to compare: models with degrees that suit each, one system against several, one network against another."""

from collections.abc import Sequence

import numpy as np

from analysis.ask.asked import Asked, asked, fitting
from analysis.ask.degrees import degrees, divides, divides_system, divisors
from analysis.ask.gammas import imbalance
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.data.rows import Interconnect
from analysis.derive.symbols import deg_DP
from analysis.files.errors import InputError
from analysis.routing.imbalance import shuffled_band
from analysis.routing.inputs import Band
from analysis.systems.grids import capacities
from analysis.systems.quantity import needs_experts

MOST_SYSTEMS = 1024


def with_models(setting: Setting, models: Sequence[str], L: float) -> list[Setting]:
    """The setting with each model and the degrees of parallelism that suit it.

    deg_TP: as given (one for all, or one per model), else that of the paper's scenario (Table IV) where it fits,
    else the smallest power of two at which the weights and one context of L tokens per DP group fit. Experts are spread
    as by `fitting`.
    Raises InputError for another number of degrees than of models.
    """
    degrees = [setting["deg_TP"]] * len(models) if np.ndim(setting["deg_TP"]) == 0 else setting["deg_TP"].tolist()
    if len(degrees) != len(models):
        raise InputError(
            f"deg_TP: {len(degrees)} degrees for {len(models)} models; give one for all, or one per "
            "model, or leave it empty."
        )
    chosen = [fitting(setting.with_(model=model, deg_TP=degree)) for model, degree in zip(models, degrees, strict=True)]
    return chosen if "deg_TP" in setting.given else [each.with_(deg_TP=fitting_degree(each, L)) for each in chosen]


def with_slow_link(setting: Setting) -> Setting:
    """A model's system at the degrees that suit it on the fast link alone, which knows of the slow one between groups.

    Raises InputError as `with_models`.
    """
    between = {name: setting[name] for name in ("link_between", "group")}
    alone = setting.with_(link_between=None, group=None)
    return with_models(alone, [setting["model"]], setting["L"])[0].with_(**between)


def fitting_degree(setting: Setting, L: float) -> int:
    """Tensor-parallel degree of a model for which the reader names none: see `with_models`."""
    for row in datasets.scenarios().values():
        papers = row.deg_TP
        if row.model == setting.model.id and divides_system(papers, setting) and holds(setting.with_(deg_TP=papers), L):
            return papers
    powers = [2**power for power in range(int(np.log2(setting["n_acc"])) + 1)]
    able = [degree for degree in powers if divides_system(degree, setting)]
    return next((degree for degree in able if holds(setting.with_(deg_TP=degree), L)), able[-1])


def holds(setting: Setting, L: float) -> bool:
    """Whether memory holds the weights and one context of L tokens for each data-parallel group."""
    return bool(capacities(setting, [L])[0] >= setting.point[deg_DP])


def networks(setting: Setting) -> dict[str, Setting]:
    """The same system on three networks: the fast link everywhere, the slow one between groups, the slow one alone.

    Needs link_between and group. Raises InputError without them, and for a model without experts or without a link.
    """
    needs_experts(setting)
    if "link_between" not in setting.given or "group" not in setting.given or setting.link is None:
        raise InputError(
            "link=, link_between= and group= are needed here: the links inside and between groups and the "
            "size of a group, for example link=nvlink5-b200 link_between=ib-xdr group=8."
        )
    slow, setting = slow_link(setting), setting.with_(BW_Int=None)
    one_level = setting.with_(link_between=None, group=None)
    return {
        f"{setting.link.id} everywhere": one_level,
        f"{slow.id} between groups of {setting['group']}": setting,
        f"{slow.id} everywhere": one_level.with_(link=setting["link_between"]),
    }


def in_groups(setting: Setting, link_between: str, group: int) -> Setting:
    """A system of one level with its accelerators in equal groups of at most `group`, a slower link between these.

    A group holds tensor-parallel groups whole; the system stays on one level where one group holds it all, or where no
    equal groups do.

    >>> [in_groups(Setting.of(n_acc=n), "ib-xdr", 8)["group"] for n in (32, 12, 8)]
    [8, 6, None]
    """
    count, degree = setting["n_acc"], setting["deg_TP"]
    able = [each for each in divisors(count, min(group, count)) if divides(degree, each)]
    if not able or able[-1] == count:
        return setting
    return setting.with_(link_between=link_between, group=able[-1])


def slow_link(setting: Setting) -> Interconnect:
    """The link between groups. Raises InputError where it is the fast link itself, which leaves nothing to compare."""
    slow = datasets.interconnect(setting["link_between"])
    if setting.link and slow.id == setting.link.id:
        raise InputError(
            f"link_between={slow.id}: found the link inside the groups again, allowed is another; name one."
        )
    return slow


def asked_of_systems(names: dict) -> tuple[Asked, int]:
    """A notebook's parameters (`asked`), and `systems`: how many systems of n_acc accelerators are joined into one.

    Raises InputError as `asked`, for a model without experts, and for `systems` that is no whole number above 1.
    """
    question = asked(names)
    given = question.own["systems"]
    if isinstance(given, bool) or not isinstance(given, int) or not 1 < given <= MOST_SYSTEMS:
        raise InputError(
            f"systems={given}: systems of n_acc accelerators that are joined into one; allowed is a whole "
            f"number from 2 to {MOST_SYSTEMS}."
        )
    needs_experts(question.base)
    return question, given


def joined(setting: Setting, systems: int) -> Setting:
    """One system of `systems` times the accelerators; its experts spread as far as they divide."""
    return fitting(setting.with_(n_acc=setting["n_acc"] * systems, deg_EP=None, deg_DP=None))


def joined_at(setting: Setting, systems: int) -> dict[str, Setting]:
    """Several systems side by side on their own link, and one joined system at each BW_Int of the setting, by name.

    Raises InputError for a model without experts, and without BW_Int.
    """
    needs_experts(setting)
    if setting["BW_Int"] is None:
        raise InputError("BW_Int= is needed: bandwidths of the joined system in byte/s, for example 900e9,100e9.")
    small = setting.with_(BW_Int=None, link_between=None, group=None)
    whole = joined(small, systems)
    rates = np.atleast_1d(setting["BW_Int"]).tolist()
    one = {f"{whole['n_acc']} at {rate / 1e9:g} GB/s": whole.with_(BW_Int=rate) for rate in rates}
    return {f"{systems} x {setting['n_acc']}": small} | one


def side_by_side(setting: Setting, systems: int) -> dict[str, Setting]:
    """Several systems, and all their accelerators joined into one, by name. Raises InputError without experts."""
    needs_experts(setting)
    whole = joined(setting, systems)
    return {f"{systems} x {setting['n_acc']}": setting, f"{whole['n_acc']}": whole}


def imbalance_band(setting: Setting) -> Band:
    """Load imbalance of the busiest accelerator [1] (Eq. 13) in the setting's skew and placement.

    For `shuffled`, mean and 95 % band over 200 placements; for the other placements, which are fixed, one value thrice.
    """
    needs_experts(setting)
    if setting["placement"] != "shuffled":
        return Band(*[imbalance(setting)] * 3)
    accelerators = int(degrees(setting)["deg_EP"])
    return shuffled_band(setting.model.n_e, setting.model.n_k, accelerators, setting["s"], setting["draws"])


def skewed(setting: Setting, s: float) -> Setting:
    """The setting under Zipf exponent s, at the (mean) imbalance that its placement gives. Raises InputError."""
    given = setting.with_(s=s)
    return given.with_(Gamma_imb=max(1.0, imbalance_band(given).mean))


def exponents(setting: Setting) -> list[float]:
    """The Zipf exponents of the setting, rising."""
    return np.unique(setting["s"]).tolist()
