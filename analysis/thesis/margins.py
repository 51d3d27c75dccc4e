"""Margins of the conclusions: numbers above 0 where a conclusion holds, for a model at places of a grid.

Each is computed from the whole model in a world, that is under its conventions, and is nan where the place does not
exist: memory does not hold the requests, the model lacks the part, the device is not known.
"""

from functools import partial, reduce
from itertools import product

import numpy as np

from analysis.ask.degrees import divides_system
from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.attention import GQA, MHA, MLA
from analysis.derive.speculation import expected_tokens
from analysis.derive.symbols import BW_mem, L, P_acc, deg_DP, deg_TP, n_acc
from analysis.ledger.criteria import HALF, HUNDRED, MOST, NEAR, NO_GAIN, WIDER
from analysis.systems import system
from analysis.systems.layers import layers, swept
from analysis.thesis import factorial, resources, tensor_parallel
from analysis.thesis.full import WIRES, terms_at, total
from analysis.thesis.scheduling import best_balance
from analysis.thesis.world import HOME, Place, World, experts_on, step_time

ENDLESS = 1e12  # times a rate: as if that side of the roofline took no time
OLD = {MHA.name: "gpt3-175b", GQA.name: "llama-4-maverick"}
"""The models whose attention latent attention is set against."""
BUDGETS = resources.BUDGETS | {
    " ".join(f"{share:g}" for share in shares): tuple(shares) for shares in resources.share_grid(0.1, 0.7, 0.2).tolist()
}
"""The budgets that have a name, and all divisions of a budget whose shares are odd tenths, by what they are."""
STEPS = 5  # options of a resource in each round of a search
MEMORY_DEVICE, WIDE_DEVICE = "memory device", "wide device"


def raises(world: World, model: str, place: Place) -> np.ndarray:
    """Core attention's intensity over that of an older attention, against a hundred [1]."""
    if model in OLD.values():
        return np.full(_shape(place), np.nan)
    ratio = _intensity(world, model, place) / _intensity(world, OLD[place["against"]], {**place, "degree": 1})
    return ratio / HUNDRED - 1


def _intensity(world: World, model: str, place: Place) -> np.ndarray:
    """FLOP per byte of core attention, of as many heads as tensor parallelism leaves an accelerator."""
    system = {"n_acc": 8, "deg_TP": 1} | dict.fromkeys(("deg_EP", "deg_ETP", "group", "link_between"))
    setting = (world.older | world.systems)[model].with_(grouping=place["grouping"], **system)
    point = swept(setting, B=1.0, L=place["context"], deg_TP=place["degree"])
    core = layers(setting)["core"]
    return value(core.flops, point) / value(core.bytes, point)


def computes(world: World, model: str, place: Place) -> np.ndarray:
    """Time that core attention's arithmetic takes over that its bytes take, less 1 [1].

    On the bare roofline this is intensity over ridge point.
    """
    setting, values = world.systems[model], world.values(model, place)
    values |= {BW_mem: values[P_acc] / np.asarray(place["ridge"])} if "ridge" in place else {}
    values |= {deg_TP: place["degree"], deg_DP: setting.point[n_acc] / np.asarray(place["degree"])}
    without = ({each: values[each] * ENDLESS} for each in (BW_mem, P_acc))
    form, point = system.terms(setting)["core_attention"], swept(setting, L=place["context"], B=1024.0)
    arithmetic, moving = (value(form, point | values | each) for each in without)
    return arithmetic / moving - 1


def no_longer(world: World, model: str, place: Place) -> np.ndarray:
    """How far another term than core attention is the largest of a step, the wires as one [share of the step]."""
    terms = world.shown(model, place)
    whole, wires = step_time(terms), sum(terms[name] for name in WIRES)
    rest = [time for name, time in terms.items() if name not in (*WIRES, "core_attention")]
    return (reduce(np.maximum, rest, wires) - terms["core_attention"]) / whole


def wires(world: World, model: str, place: Place) -> np.ndarray:
    """Share of wires, and of the wait for the busiest accelerator, in a step, less a half [1]."""
    even, found = world.terms(model, {**place, "skew": 0.0}), world.shown(model, place)
    wait = np.maximum(found["routed_experts"] - even["routed_experts"], 0)
    return (wait + sum(found[name] for name in WIRES)) / step_time(found) - HALF


def tunes(world: World, model: str, place: Place) -> np.ndarray:
    """How much nearer than a tenth the intensity of experts is to that of a dense layer [1].

    Attention is data-parallel here, and experts are spread over all accelerators, of which there are no more.
    """
    setting = world.systems[model]
    if not setting.model.n_moe or place["layer"] not in layers(setting):
        return np.full(_shape(place), np.nan)
    point = swept(setting, L=HOME["context"], B=world.requests(model, place)) | world.values(model, place)
    found = [layers(setting)[name] for name in ("routed", place["layer"])]
    routed, dense = (value(each.flops, point) / value(each.bytes, point) for each in found)
    built = np.asarray(place.get("count", setting["n_acc"])) <= setting.model.n_e
    return np.where(built, NEAR - np.abs(routed / dense - 1), np.nan)


def aligns(world: World, model: str, place: Place) -> np.ndarray:
    """Arithmetic that experts attain over what dense layers do, in the schedule that serves most, less 1 - 0.1 [1]."""
    at, batch = HOME | dict(place), world.requests(model, place)
    setting = world.linked(model, at["link"])
    contexts, skews, batches = np.broadcast_arrays(at["context"], at["skew"], batch)
    found = np.full(batches.shape, np.nan)
    for skew in np.unique(skews) if setting.model.n_moe else ():
        here = (skews == skew) & np.isfinite(batches)
        found[here] = best_balance(setting, batches[here], contexts[here].astype(float), float(skew))
    return found - (1 - NEAR)


def small(world: World, model: str, place: Place) -> np.ndarray:
    """Whether a memory device for experts gains here, and gains less at twice the context: the lesser of both [1].

    `kept` says what stays as the context grows: the requests, or the share of memory that they fill.
    """
    if not world.systems[model].model.n_moe:
        return np.full(_shape(place), np.nan)
    here = world.requests(model, place)
    further = {**place, "context": 2 * np.asarray(place["context"])}
    there = world.requests(model, further)
    if place["kept"] == "requests":
        there = np.where(world.requests(model, _full(further)) >= here, here, np.nan)
    gain, later = _gain(world, model, place, here), _gain(world, model, further, there)
    return np.minimum(gain - 1, 1 - later / gain)


def _full(place: Place) -> Place:
    return {name: each for name, each in place.items() if name != "requests"} | {"batch": 1.0}


def _gain(world: World, model: str, place: Place, batch) -> np.ndarray:
    """TPOT over that with the experts on the memory device [1]."""
    at, values, plain = HOME | dict(place), world.values(model, place), world.linked(model, place["link"])
    moved = plain.with_(accelerator_experts=world.device or plain["accelerator"])
    more = values | experts_on(world.rates(world.device))
    context = np.asarray(at["context"], dtype=float)
    times = (terms_at(plain, batch, context, values), terms_at(moved, batch, context, more))
    before, after = (total(each, plain["overlap"]) for each in times)
    return before / after


def not_needed(world: World, model: str, place: Place) -> np.ndarray:
    """How far below half a per cent a device for core attention speeds a token up [1].

    The memory device is the paper's; the wide one has all the accelerator's arithmetic and four times its bandwidth.
    `ridge` puts any other ridge point [FLOP/byte] to that bandwidth.
    """
    setting, values, device = world.systems[model], world.values(model, place), world.rates(world.device)
    if place["device"] == WIDE_DEVICE:
        device = {P_acc: values[P_acc], BW_mem: WIDER * values[BW_mem]}
    if "ridge" in place:
        device[P_acc] = np.asarray(place["ridge"]) * device[BW_mem]
    terms, moved = world.terms(model, place), world.terms(model, place, device)["core_attention"]
    after = terms | {"core_attention": moved}
    return NO_GAIN - total(terms, setting["overlap"]) / total(after, setting["overlap"])


def balanced(world: World, model: str, place: Place) -> np.ndarray:
    """How far below a quarter more the best split of the same budget serves, memory full [1]."""
    setting, costs = world.linked(model, place["link"]), np.array(BUDGETS[place["budget"]])
    contexts = np.asarray(place["context"], dtype=float)
    fits = np.isfinite(world.requests(model, place)) & np.ones(contexts.shape, dtype=bool)
    gains = np.full(contexts.shape, np.nan)
    if fits.any():
        gains[fits] = best_gains(setting, contexts[fits], costs)
    return MOST - gains


def best_gains(setting: Setting, contexts: np.ndarray, costs: np.ndarray, rounds: int = 16) -> np.ndarray:
    """Throughput of the best split of a budget over that of the setting's own [1], for each context.

    As `resources.best_split`, with all contexts at once: a grid over spending is moved until its best option lies
    inside, and then refined around it.
    """
    spent, width, powers = np.tile(costs, (len(contexts), 1)), np.full(len(contexts), 4.0), np.linspace(-1, 1, STEPS)
    plain, gains = resources.rate(setting, np.ones((4, 1)), contexts), np.array([])
    tried, ends = np.array([[*each, 0.0] for each in product(powers, repeat=3)]), (0, STEPS - 1)
    for _ in range(rounds):
        options = spent * width[:, None] ** tried[:, None]
        options /= options.sum(axis=-1, keepdims=True)
        gains = np.nan_to_num(resources.rate(setting, np.moveaxis(options / costs, -1, 0), contexts) / plain)
        best = gains.argmax(axis=0)
        edge = np.isin(np.unravel_index(best, (STEPS,) * 3), ends).any(axis=0)
        spent, width = options[best, np.arange(len(contexts))], np.where(edge, width, 1 + (width - 1) / 3)
    return gains.max(axis=0)


def tensor(world: World, model: str, place: Place) -> np.ndarray:
    """What tensor parallelism adds to an attention block, all-reduces included, over its time without [1].

    At equal requests, of those that memory holds without it; nan at a degree that heads of some blocks do not allow.
    """
    batch, setting = world.requests(model, place), world.linked(model, place["link"])
    values, context = world.values(model, place), np.asarray(place["context"], dtype=float)
    divided, alone = (
        tensor_parallel.attention_time(setting, batch, each, context, values) for each in (place["degree"], 1)
    )
    allowed = np.vectorize(partial(divides_system, setting=setting), otypes=[bool])(place["degree"])
    return np.where(allowed, divided / alone - 1, np.nan)


def one_alone(world: World, model: str, place: Place) -> np.ndarray:
    """Throughput of one mechanism over that of both, less a half [1], each model at its best degree and memory full."""
    setting = world.linked(model, place["link"])
    if setting.model.attention != MLA.name or not setting.model.n_moe:
        return np.full(_shape(place), np.nan)
    alone = (MLA.name, "dense") if place["alone"] == MLA.name else (MHA.name, "experts")
    values = world.values(model, place) | {L: np.asarray(place["context"], dtype=float)}
    made = alone, (MLA.name, "experts")
    one, both = (factorial.most_served(setting.with_(deg_TP=1), *each, place["held"], values) for each in made)
    return one / both - HALF


def drafts(world: World, model: str, place: Place) -> np.ndarray:
    """Tokens/s with several query tokens a step over those with one, less 1 [1]; drafting itself is not charged."""
    setting, query = world.systems[model], place["query"]
    rates = []
    for tokens in (query, 1):
        here = {**place, "query": float(tokens)}
        rates.append(world.requests(model, here) / total(world.terms(model, here), setting["overlap"]))
    gained = np.vectorize(lambda rate: float(expected_tokens(float(rate), int(query))), otypes=[float])
    return gained(place["acceptance"]) * rates[0] / rates[1] - 1


def _shape(place: Place) -> tuple[int, ...]:
    return np.broadcast_shapes(*(np.shape(each) for each in place.values()))
