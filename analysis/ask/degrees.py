"""Degrees of parallelism: those of a setting, and what cannot be built, refused by one sentence."""

from collections.abc import Collection, Mapping

import numpy as np

from analysis.files.errors import InputError


def degrees(setting) -> dict[str, object]:
    """Every degree of a setting by name, those that are not given by their rules. Raises InputError."""
    count, TP, ETP = setting["n_acc"], setting["deg_TP"], deg_ETP_of(setting)
    return {
        "n_acc": count,
        "deg_TP": TP,
        "deg_DP": setting["deg_DP"] if setting["deg_DP"] is not None else _divided(count, TP),
        "deg_EP": setting["deg_EP"] if setting["deg_EP"] is not None else _divided(count, ETP),
        "deg_ETP": ETP,
    }


def _divided(number, by):
    """A quotient, kept whole where it is whole."""
    quotient = number / by
    return int(quotient) if np.ndim(quotient) == 0 and float(quotient).is_integer() else quotient


def deg_ETP_of(setting) -> int:
    """Accelerators that share one expert: as given, else 1, or all where one TP group spans the system.

    Raises InputError for another number.
    """
    degree = setting["deg_ETP"]
    if degree is None:
        return setting["deg_TP"] if _splits_experts(setting) else 1
    TP = setting["deg_TP"]
    if np.ndim(degree) or not np.all((degree == 1) | (degree == np.asarray(TP))):
        raise InputError(
            f"deg_ETP={degree}: the accelerators that share an expert are those of a tensor-parallel group; "
            f"allowed are 1 and deg_TP={TP}."
        )
    return degree


def _splits_experts(setting) -> bool:
    """Whether one tensor-parallel group spans the system, and no number of whole experts each would suit it."""
    if "model" not in setting.given or not setting.model.n_moe or setting["deg_EP"] is not None:
        return False
    count, TP = setting["n_acc"], setting["deg_TP"]
    if np.ndim(count) or np.ndim(TP) or count != TP:
        return False
    return slots(setting, count) % count > 0


def slots(setting, EP):
    """Slots of a block, each of which holds an expert: its experts, and copies of them where these are replicated.

    Copies are as given, else one for each of the EP accelerators that share the experts.
    """
    experts = setting.model.n_e
    if setting["placement"] != "replicated":
        return experts
    return experts + (np.minimum(EP, experts * (EP - 1)) if setting["copies"] is None else setting["copies"])


# -- what can be built ---------------------------------------------------------------------------
def divisors(number: int, most: float = np.inf) -> list[int]:
    """Divisors up to `most`, rising: heads and experts are few, however many accelerators there are.

    >>> divisors(12), divisors(10**9, most=10)
    ([1, 2, 3, 4, 6, 12], [1, 2, 4, 5, 8, 10])
    """
    return [each for each in range(1, int(min(number, most)) + 1) if number % each == 0]


def divides(divisor, number):
    """Whether one number divides another, over arrays."""
    return np.asarray(number) % np.asarray(divisor) == 0


def divides_heads(TP, heads, kv_heads=None):
    """Whether a tensor-parallel degree divides attention, over arrays: each accelerator has as many query heads, and as
    many key-value heads or one of them.

    >>> [bool(divides_heads(TP, heads=48, kv_heads=8)) for TP in (3, 4, 16, 32)]
    [False, True, True, False]
    """
    kv_heads = TP if kv_heads is None else kv_heads
    return divides(TP, heads) & (divides(TP, kv_heads) | divides(kv_heads, TP))


def divides_experts(EP, slots, count, ETP=1):
    """Whether so many accelerators can share a block's experts (or slots), in groups that fill the system."""
    return divides(EP, slots) & divides(np.multiply(EP, ETP), count)


def spreads(experts: int, count: int) -> list[int]:
    """Every number of accelerators that can share a block's experts, rising.

    >>> spreads(experts=60, count=32)
    [1, 2, 4]
    """
    return [EP for EP in divisors(count, experts) if divides_experts(EP, experts, count)]


def divides_system(TP, setting) -> bool:
    """Whether a setting's accelerators fall into tensor-parallel groups of this degree that divide its model's heads,
    each inside one group of the fast link.
    """
    group = setting["group"] or TP
    return bool(divides(TP, setting["n_acc"]) & divides(TP, group)) and divides_all_heads(TP, setting.model)


def divides_all_heads(TP: int, row) -> bool:
    """Whether a tensor-parallel degree divides the heads of every kind of block of a model's row."""
    return all(bool(divides_heads(TP, heads, shared)) for heads, shared in row.heads)


def check_kinds(setting) -> None:
    """Refuse a tensor-parallel degree that does not divide the heads of every kind, where kinds differ in them.

    Raises InputError.
    """
    TP = setting["deg_TP"]
    if np.all(np.asarray(TP) == 1) or "model" not in setting.given or len(setting.model.heads) < 2:
        return
    for heads, shared in setting.model.heads:
        if not np.all(divides_heads(TP, heads, shared)):
            of = f"{heads} heads" + (f" (and {shared} key-value heads, or they it)" if shared else "")
            raise InputError(
                f"deg_TP={_shown(TP)}: must divide the {of} of every kind of block of {setting.model.id}; "
                "give a divisor."
            )


def _divides(divisor, number) -> bool:
    return bool(np.all(divides(divisor, number)))


def check_degrees(numbers: Mapping[str, object], used: Collection[str]) -> None:
    """Refuse degrees that do not divide what they shard, as far as a quantity uses them.

    `numbers` are those of a setting, `used` the symbols of the quantity's closed form. Raises InputError.
    """
    given = {name: numbers.get(name) for name in ("n_acc", "deg_TP", "deg_DP", "deg_EP", "n_hd", "n_kv", "n_e")}
    count, TP, DP, EP = (given[name] for name in ("n_acc", "deg_TP", "deg_DP", "deg_EP"))
    if not np.all(np.asarray(TP) * np.asarray(DP) == np.asarray(count)):
        raise InputError(
            f"deg_TP * deg_DP must equal n_acc, found {TP} * {_shown(DP)} and n_acc={count}; {_matching(TP, count)}."
        )
    if not _divides(1, DP):
        raise InputError(f"deg_TP={TP}: must divide n_acc={count}; give a divisor, or another n_acc.")
    heads = "n_hd" in used or ("deg_TP" in used and ("n_kv" in used or "deg_grp" in used))  # deg_grp * n_kv is n_hd
    if heads and given["n_hd"] is not None and not _divides(TP, given["n_hd"]):
        raise InputError(f"deg_TP={TP}: must divide the {given['n_hd']} query heads of the model; give a divisor.")
    groups = given["n_kv"]
    if groups is not None and heads and not np.all(divides_heads(TP, TP, groups)):
        heads = f"the {groups} key-value heads of the model"
        raise InputError(f"deg_TP={TP}: must divide {heads} or be a multiple of them.")
    if "deg_EP" in used or ("n_e" in used and "n_acc" in used):
        _check_groups(EP, numbers.get("deg_ETP", 1), count)
        if given["n_e"] is not None:
            _check_experts(EP, given["n_e"], numbers.get("n_slot", given["n_e"]))


def _matching(TP, count) -> str:
    """The remedy for degrees that do not multiply to the accelerators: attention's replicas follow from the others."""
    if np.ndim(TP) or np.ndim(count):
        return "leave deg_DP out"
    return f"give deg_DP={count // TP}, or leave it out" if count % TP == 0 else f"give deg_TP as a divisor of {count}"


def _check_groups(EP, ETP, count) -> None:
    if not _divides(np.multiply(EP, ETP), count):
        each, parts = ("", "") if np.all(ETP == 1) else (f" * deg_ETP={_shown(ETP)}", " of split ones")
        raise InputError(
            f"deg_EP={_shown(EP)}{each}: must divide n_acc={count} so that whole groups{parts} hold the experts; "
            "give a divisor."
        )


def _check_experts(EP, experts, slots) -> None:
    if _divides(EP, slots):
        return
    if not np.all(slots == experts):
        raise InputError(
            f"deg_EP={_shown(EP)} (by default n_acc): must divide the {_shown(slots)} slots of a block, {experts} "
            f"routed experts and {_shown(slots - experts)} copies; give another copies=, or deg_EP= as a divisor."
        )
    raise InputError(
        f"deg_EP={_shown(EP)} (by default n_acc): must divide the {experts} routed experts of the model; "
        f"give deg_EP= as a divisor of {experts}, split each expert by deg_ETP= (a tensor-parallel group), or "
        "fill the slots by copies= and placement=replicated."
    )


def domain_note(setting) -> str | None:
    """A sentence where more accelerators share a link than one network of it joins; None where that is within it.

    A link whose bandwidth is given by BW_Int, or whose row states no domain, is taken at its word.
    """
    link, joined = setting.link, np.max(setting["group"] if setting.two_levels else setting["n_acc"])
    if setting["BW_Int"] is not None or link is None or link.domain is None or joined <= link.domain:
        return None
    where = "of a group" if setting.two_levels else "of the system"
    return (
        f"link={link.id} joins at most {link.domain} accelerators (column domain), here {_shown(joined)} {where}: "
        "wires are timed as if one such network reached them all; for networks of two levels give "
        f"group={link.domain} and link_between=."
    )


def _shown(number) -> str:
    return f"{number:g}" if np.ndim(number) == 0 else str(number)
