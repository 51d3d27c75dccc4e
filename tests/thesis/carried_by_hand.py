"""What is carried to later models, asked of the whole model at whole requests, with sizes and rings by hand."""

from functools import cache

import numpy as np

from analysis.ask.setting import Setting
from analysis.routing import inclusion, share_matrix
from analysis.systems.quantities import evaluate
from analysis.thesis import largest, resources
from analysis.thesis.after import carried
from analysis.thesis.carried import CHIPS, Placed, placed
from analysis.thesis.largest import CORE, EXPERTS, NAMES, REST, WIRED

INSIDE, OUTSIDE = 1.05, 0.95  # far enough that whole requests suffice
EXCHANGES = ("dispatch", "combine", "all_reduce")
ATTENTION = ("attention_projections", "kv_decompression", "core_attention")


@cache
def grid() -> dict[tuple[str, str], Placed]:
    """Every model on every chip."""
    rows = placed([each.setting for each in carried()])
    return {(row[0].setting.model.id, chip): each for row in rows for chip, each in zip(CHIPS, row, strict=True)}


def full(each: Placed, context: float, **more) -> dict:
    """Parameters of a system at as many whole requests of a context as its memory holds."""
    given = dict(each.setting.given) | {"L": round(context)} | more
    return given | {"B": int(evaluate("B_cap", rounding="none", **given).value)}


def groups(each: Placed, context: float) -> dict[str, float]:
    """Times of the groups of a step [s], summed here from the quantity of the whole model."""
    terms = dict(evaluate("tpot_terms", **full(each, context)).value)
    found = {CORE: terms.pop("core_attention"), EXPERTS: terms.pop("routed_experts", 0.0)}
    found[WIRED] = sum(terms.pop(name, 0.0) for name in EXCHANGES)
    return found | {REST: sum(terms.values())}


def ends(found, each: Placed):
    """Every border of stretches, with a context inside and one outside."""
    borders = [(stretch.low, INSIDE, OUTSIDE) for stretch in found] + [(s.high, OUTSIDE, INSIDE) for s in found]
    for border, inside, outside in borders:
        if border is not None and evaluate("B_cap", **dict(each.setting.given) | {"L": round(border)}).value >= 100:
            yield border * inside, border * outside


# -- conclusions -----------------------------------------------------------------------------------
def intensity_rises(each: Placed, context: float) -> bool:
    found = [
        evaluate("core_attention_intensity", model=model, B=1, L=round(context)).value
        for model in (each.setting.model.id, "gpt3-175b")
    ]
    return found[0] > 100 * found[1]


def wires_hidden(each: Placed, context: float) -> bool:
    times = groups(each, context)
    return times[EXPERTS] >= times[WIRED]


def drafts_pay(each: Placed, context: float) -> bool:
    one, two = (full(each, context, l=query) for query in (1, 2))
    rates = [given["B"] / evaluate("tpot", **given).value for given in (one, two)]
    return 1.7 * rates[1] > rates[0]  # the first token, and a draft that is accepted seven times in ten


def attention_computes(each: Placed, context: float) -> bool:
    """Core and index of whole blocks: time without bandwidth against time without arithmetic."""
    row = each.setting.accelerator
    without = ({column: getattr(row, column) * 1e6} for column in ("BW_mem", "P_bf16"))
    arithmetic, moving = (core_on(each, context, **rates) for rates in without)
    return arithmetic > moving


def core_on(each: Placed, context: float, **rates: float) -> float:
    """Time of core attention in a step [s], where an accelerator has other rates, in the units of its row."""
    given = full(each, context)
    setting = Setting.of(**given)
    setting.__dict__["accelerator"] = each.setting.accelerator.model_copy(update=rates)
    return float(largest.times(setting, given["B"], given["L"])[NAMES.index(CORE)])


def device_needless(each: Placed, context: float) -> bool:
    """Core attention at the rates of the paper's memory device, and half a per cent of the step."""
    times = groups(each, context)
    step, moved = sum(times.values()), core_on(each, context, P_bf16=256.0, BW_mem=32000.0)
    return step < 1.005 * (step - times[CORE] + moved)


def batching_tunes(each: Placed, context: float) -> bool:
    """Intensity of gated experts, of which some are reached, within a tenth of that of a gated dense layer."""
    given, row = full(each, context), each.setting.model
    requests, wide = given["B"] / given["n_acc"], row.d_emb * row.d_MoE
    reached = row.n_e / given["n_acc"] * (1 - (1 - row.n_k / row.n_e) ** given["B"])
    routed = 6 * requests * row.n_k * wide / (2 * (2 * requests * row.n_k * row.d_emb + 3 * reached * wide))
    dense = 6 * requests * row.d_FFN / (2 * (2 * requests + 3 * row.d_FFN))
    return abs(routed / dense - 1) < 0.1


def chip_balanced(each: Placed, context: float) -> bool:
    """The best split of the first budget, by the search of one context."""
    return resources.best_split(each.setting, context).gain < 1.25


def heads_cost(each: Placed, context: float) -> bool:
    """Attention in pairs and alone from a step's terms; after each block a ring sends half of its vectors twice."""
    given, row = full(each, context), each.setting.model
    alone, split = (
        sum(evaluate("tpot_terms", **given | {"deg_TP": degree}).value[name] for name in ATTENTION) for degree in (1, 2)
    )
    reduced = sum(kind.blocks for kind in row.kinds if kind.attention) * 2 / 2
    vectors = given["B"] / (given["n_acc"] / 2) * row.d_emb * 2
    return split + reduced * vectors / (each.setting.link.BW_Int * 1e9) > alone


def device_suits_short(each: Placed, context: float) -> bool:
    """The paper's device runs the experts, memory full here and at twice the context."""
    gains = []
    for given in (full(each, context), full(each, 2 * context)):
        moved = given | {"accelerator_experts": "pim-paper"}
        gains.append(evaluate("tpot", **given).value / evaluate("tpot", **moved).value)
    return gains[0] > 1 and gains[1] < gains[0]


def output_products(row) -> tuple[list[tuple[int, int, int]], int]:
    """Elements that each product of an attention's output takes and makes a token, and its weights; and what is moved
    before: a gate reads two vectors and writes one, groups of heads are read and written.
    """
    heads = row.n_hd * (row.d_v or row.d_hd)
    if not row.n_og:
        gated = row.attention.endswith("gated")
        return [(heads, row.d_emb, heads * row.d_emb)], 3 * heads if gated else 0
    middle = row.n_og * row.d_oco
    return [(heads, middle, heads * row.d_oco), (middle, row.d_emb, middle * row.d_emb)], 2 * heads


def experts_keep_pace(each: Placed, context: float) -> bool:
    """Experts under Zipf 0.4, in their order, dealt out or the longest first, as memory has no room for copies: their
    mean work over the time of the last accelerator, against that of the output projection.

    Those of one model have two matrices, and work on narrower vectors.
    """
    given, row, chip = full(each, context), each.setting.model, each.setting.accelerator
    peak, bandwidth, count, wide = chip.P_bf16 * 1e12, chip.BW_mem * 1e9, given["n_acc"], row.d_z or row.d_emb
    weights = (2 if row.ffn == "plain" else 3) * wide * row.d_MoE
    terms, loads = evaluate("tpot_terms", **given).value, inclusion(row.n_e, row.n_k, 0.4)
    paces = {}
    for placement in ("contiguous", "strided", "lpt"):
        held = share_matrix(placement, loads, count)
        tokens, reached = given["B"] * loads @ held, (1 - (1 - loads) ** given["B"]) @ held
        moved = 2 * (weights * reached + 2 * wide * tokens)
        last = np.maximum(2 * weights * tokens / peak, moved / bandwidth).max()
        late = (loads @ held).max() * count / row.n_k - 1
        step = sum(terms.values()) - terms["routed_experts"] + row.n_moe * last
        step += (terms["dispatch"] + terms["combine"]) * late
        paces[step] = 2 * weights * tokens.mean() / last
    requests, (products, carried_over) = given["B"] / count, output_products(row)
    work = sum(2 * requests * held for _, _, held in products)
    dense = 2 * requests * carried_over / bandwidth
    for taken, made, held in products:
        dense += max(2 * requests * held / peak, 2 * (held + requests * (taken + made)) / bandwidth)
    return paces[min(paces)] / (work / dense) > 0.9


ASKED_BY_HAND = {
    "raises": intensity_rises,
    "computes": attention_computes,
    "hidden": wires_hidden,
    "tunes": batching_tunes,
    "aligns": experts_keep_pace,
    "small": device_suits_short,
    "not-needed": device_needless,
    "balanced": chip_balanced,
    "tensor": heads_cost,
    "drafts": drafts_pay,
}
