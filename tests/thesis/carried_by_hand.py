"""What is carried to later models, asked of the whole model at whole requests, with sizes and rings by hand."""

from functools import cache

import numpy as np

from analysis.ask.setting import Setting
from analysis.routing import inclusion, share_matrix
from analysis.systems.quantities import evaluate
from analysis.thesis import largest
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
    given, time = full(each, context), {}
    for name, column in (("BW", "BW_mem"), ("P", "P_bf16")):
        row = each.setting.accelerator
        setting = Setting.of(**given)
        setting.__dict__["accelerator"] = row.model_copy(update={column: getattr(row, column) * 1e6})
        time[name] = largest.times(setting, given["B"], given["L"])[NAMES.index(CORE)]
    return time["BW"] > time["P"]


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


def experts_keep_pace(each: Placed, context: float) -> bool:
    """Gated experts under Zipf 0.4, in their order, dealt out or the longest first, as memory has no room for copies.

    Their mean work over the time of the last accelerator, against that of the output projection; a gate before it reads
    two vectors and writes one.
    """
    given, row, chip = full(each, context), each.setting.model, each.setting.accelerator
    peak, bandwidth, count, wide = chip.P_bf16 * 1e12, chip.BW_mem * 1e9, given["n_acc"], row.d_emb * row.d_MoE
    terms, loads = evaluate("tpot_terms", **given).value, inclusion(row.n_e, row.n_k, 0.4)
    paces = {}
    for placement in ("contiguous", "strided", "lpt"):
        held = share_matrix(placement, loads, count)
        tokens, reached = given["B"] * loads @ held, (1 - (1 - loads) ** given["B"]) @ held
        moved = 2 * (3 * wide * reached + 2 * row.d_emb * tokens)
        last = np.maximum(6 * wide * tokens / peak, moved / bandwidth).max()
        late = (loads @ held).max() * count / row.n_k - 1
        step = sum(terms.values()) - terms["routed_experts"] + row.n_moe * last
        step += (terms["dispatch"] + terms["combine"]) * late
        paces[step] = 6 * wide * tokens.mean() / last
    heads, requests = row.n_hd * (row.d_v or row.d_hd), given["B"] / count
    work = 2 * requests * heads * row.d_emb
    dense = max(work / peak, 2 * (heads * row.d_emb + requests * (heads + row.d_emb)) / bandwidth)
    dense += 3 * 2 * requests * heads / bandwidth if row.attention.endswith("gated") else 0
    return paces[min(paces)] / (work / dense) > 0.9


ASKED_BY_HAND = {
    "raises": intensity_rises,
    "computes": attention_computes,
    "hidden": wires_hidden,
    "aligns": experts_keep_pace,
    "small": device_suits_short,
    "tensor": heads_cost,
    "drafts": drafts_pay,
}
