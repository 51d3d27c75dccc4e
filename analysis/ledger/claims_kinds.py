"""Numbers that others print about models of several kinds of block: their caches and operations."""

from functools import cache

from analysis.ask.numbers import exact
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.block import Conventions, attention_stages, flops
from analysis.derive.symbols import L
from analysis.ledger.claims_mechanisms import cached, sizes
from analysis.ledger.claims_memory import KV, R1
from analysis.ledger.findings import Judgement, claim, claims
from analysis.ledger.readings import BELOW, Paper, holds
from analysis.systems.quantities import evaluate

V32, V4 = "deepseek-v3.2", "deepseek-v4-pro"
SERVED = {V32: "latent-fp8", V4: "row-fp8-rope-bf16", "deepseek-v4-flash": "row-fp8-rope-bf16"}
ROW_OF_FP4 = 1 / 2 + 1 / 16
KEY_VALUE_HEADS, HEAD = 8, 128
"""Of the grouped-query attention that the report on V4 compares its cache with."""


# -- caches ------------------------------------------------------------------------------------------
def _cache(model: str, tokens: int, served: bool) -> float:
    """Bytes of one request's cache and states [byte]."""
    given = {"format": SERVED[model]} if served else {}
    return evaluate("kv_cache_bytes", model=model, B=1, L=tokens, **given).value


def _of_a_token(model: str, _tokens: int, served: bool) -> float:
    """Bytes of rows that a token adds [byte], as served or in 16 bits."""
    return cached(model, SERVED[model] if served else "")


@claims("P004", "P005")
def _cache_ratio(paper: Paper, id_: str) -> Judgement:
    model, tokens = datasets.claimed(id_).model, sizes(id_)[L]
    rows, wide, whole = (
        100 * measure(model, tokens, served) / measure(V32, tokens, served)
        for measure, served in ((_of_a_token, True), (_of_a_token, False), (_cache, True))
    )
    readings = (
        paper.reading("rows as served, scales counted", rows),
        paper.reading("rows in 16 bits", wide),
        paper.reading("as served, windows and waiting inputs counted", whole),
    )
    reason = (
        f"A token adds {_of_a_token(model, tokens, True):,.0f} bytes as served, "
        f"{_of_a_token(V32, tokens, True):,.0f} in V3.2; windows and waiting inputs do not grow."
    )
    return Judgement(readings, reason, "percent", KV)


@claim("P006")
def _grouped_cache(paper: Paper) -> Judgement:
    tokens = sizes("P006")[L]
    grouped = 2 * 2 * KEY_VALUE_HEADS * HEAD * datasets.model(V4).n_dec
    served, wide = (_of_a_token(V4, tokens, each) for each in (True, False))
    readings = (
        paper.reading("rows as served", 100 * served / grouped),
        paper.reading("rows in 16 bits", 100 * wide / grouped),
    )
    reason = f"{served:,.0f} bytes of a token instead of {grouped:,}; in 16 bits {wide:,.0f}."
    return Judgement(readings, reason, "percent", KV)


def _full_blocks(model: str) -> float:
    """Blocks that keep rows like R1's."""
    return cached(model) / (cached(R1) / datasets.model(R1).n_dec)


def _in_fp4(model: str) -> float:
    """Bytes that a token adds where rows are held in 4 bits with a byte of scale for 16 elements [byte]."""
    return cached(model, SERVED[V4], width_kv=ROW_OF_FP4)


@claim("P013")
def _global_cache(paper: Paper) -> Judgement:
    model = datasets.claimed("P013").model
    readings = (
        paper.reading("rows and index keys as V4 serves them", cached(model, SERVED[V4])),
        paper.reading("rows in 4 bits with a scale for 16 elements, index keys as in V4", _in_fp4(model)),
        paper.reading("16 bits", cached(model)),
    )
    reason = (
        f"A token adds {readings[2].value:,.0f} bytes in 16 bits, {readings[0].value:,.0f} in V4's layout, "
        f"and {readings[1].value:,.0f} if rows are in 4 bits."
    )
    return Judgement(readings, reason, "byte", KV)


@claim("P014")
def _global_ratio(paper: Paper) -> Judgement:
    model, other = datasets.claimed("P014").model, "deepseek-v4-flash"
    readings = (
        paper.reading("both as V4 serves them", cached(model, SERVED[V4]) / cached(other, SERVED[V4])),
        paper.reading("rows of the later model in 4 bits", _in_fp4(model) / cached(other, SERVED[V4])),
        paper.reading("16 bits", cached(model) / cached(other)),
    )
    before = cached(other, SERVED[V4])
    reason = f"A token adds {before:,.0f} bytes in V4-Flash and {_in_fp4(model):,.0f} here with rows in 4 bits."
    return Judgement(readings, reason, "1", KV)


@claim("P016")
def _mostly_states(paper: Paper) -> Judgement:
    model = datasets.claimed("P016").model
    blocks, full = datasets.model(model).n_dec, _full_blocks(model)
    saved = 1 - full / blocks
    stated = float(datasets.claimed("P067").paper_value)
    readings = (
        paper.reading("by its blocks", 100 * saved),
        paper.reading("three blocks of four, as it states", 100 * stated / (stated + 1)),
    )
    reason = f"{full:.0f} of {blocks} blocks keep rows, which saves {100 * saved:.1f} %; states are not counted."
    return Judgement(readings, reason, "percent", KV)


@claim("P067")
def _linear_per_full(paper: Paper) -> Judgement:
    model = datasets.claimed("P067").model
    full = _full_blocks(model)
    linear = datasets.model(model).n_dec - full
    reason = f"The configuration has {linear:.0f} blocks with a state and {full:.0f} with rows: {linear / full:.2f}."
    return Judgement((paper.reading("by its blocks", linear / full),), reason)


# -- operations --------------------------------------------------------------------------------------
@cache
def worked(model: str, tokens: int, order: str = "reordered") -> dict[str, float]:
    """Operations of a token that attends to `tokens` [FLOP]: its weights, and by stage those that grow with them."""
    setting = Setting.of(model=model, B=1, L=tokens)
    found = {"weights": 2 * evaluate("active_parameters", model=model).value, "index": 0.0, "core": 0.0}
    for kind in setting.architecture.attending:
        chosen = order if order in kind.mechanism.orders else "as_printed"
        kernels = attention_stages(kind.mechanism, Conventions(chosen))
        for stage in ("index", "core"):
            form = (kind.blocks * flops(kernels.get(stage, ()))).xreplace(kind.axes())
            found[stage] += exact(form, setting.point)
    return found


def _weighed(model: str, tokens: int, index: float = 1, core: float = 1) -> float:
    done = worked(model, tokens)
    return done["weights"] + index * done["index"] + core * done["core"]


@claims("P023", "P024")
def _in_fp8(paper: Paper, id_: str) -> Judgement:
    """V3.2 scores its index in FP8, V4 in FP4; the core of both computes in BF16. How they weigh is not printed."""
    model, tokens = datasets.claimed(id_).model, sizes(id_)[L]
    binary = 2**20
    readings = tuple(
        paper.reading(name, 100 * _weighed(model, each, **weights) / _weighed(V32, each, core=weights["core"]))
        for name, each, weights in (
            ("every operation once", tokens, {"index": 1, "core": 1}),
            ("core counted twice, index in FP4 half", tokens, {"index": 0.5, "core": 2}),
            ("the same, 2^20 tokens", binary, {"index": 0.5, "core": 2}),
            ("core counted twice", tokens, {"index": 1, "core": 2}),
        )
    )
    done, old = worked(model, tokens), worked(V32, tokens)
    reason = (
        f"At a million tokens it does {sum(done.values()) / 1e9:.0f} GFLOP, V3.2 {sum(old.values()) / 1e9:.0f}, "
        f"of which the index {done['index'] / 1e9:.0f} and {old['index'] / 1e9:.0f}."
    )
    return Judgement(readings, reason, "percent")


@claim("P027")
def _shared_index(paper: Paper) -> Judgement:
    tokens, model = sizes("P027")[L], datasets.claimed("P027").model
    row = datasets.model(model)
    own = sum(kind.blocks for kind in row.kinds if "shared" not in kind.attention)
    done = {each: worked(model, each) for each in (tokens, 2**20)}
    ratios = {each: 1 + found["index"] * (row.n_dec / own - 1) / sum(found.values()) for each, found in done.items()}
    attention = {each: done[tokens][each] for each in ("index", "core")}
    readings = (
        paper.reading("every operation once, 10^6 tokens", ratios[tokens]),
        paper.reading("every operation once, 2^20 tokens", ratios[2**20]),
        paper.reading("attention alone", 1 + attention["index"] * (row.n_dec / own - 1) / sum(attention.values())),
        paper.reading("index alone", row.n_dec / own),
    )
    reason = (
        f"{own} of {row.n_dec} blocks have an index. With one in each a token would do {ratios[tokens]:.2f} times as "
        f"many operations, {readings[2].value:.2f} times in attention alone."
    )
    return Judgement(readings, reason)


def _generation(model: str, tokens: int, last: bool = False, order: str = "reordered") -> float:
    """Operations of a token in the mean over a generation, or of its last one [FLOP]."""
    return sum(worked(model, tokens if last else tokens // 2, order).values())


@claim("P028", 2)
def _long_generation(paper: Paper) -> Judgement:
    tokens, model = sizes("P028")[L], datasets.claimed("P028").model
    choices = {
        "mean of the generation, R1 reordered": {},
        "mean of the generation, R1 as printed": {"order": "as_printed"},
        "last token, R1 reordered": {"last": True},
        "last token, R1 as printed": {"order": "as_printed", "last": True},
    }
    found = {
        name: 100 * _generation(model, tokens, **each) / _generation(R1, tokens, **each)
        for name, each in choices.items()
    }
    readings = tuple(paper.reading(name, value) for name, value in found.items())
    low, *_, high = sorted(found.values())
    reason = (
        f"By how R1 is counted the share is {low:.0f} to {high:.0f} %; which token and order is meant is not stated."
    )
    return Judgement(readings, reason, "percent")


@claim("P029")
def _shorter_generation(paper: Paper) -> Judgement:
    tokens, model = sizes("P029")[L], datasets.claimed("P029").model
    orders = {"R1 as printed": "as_printed", "R1 reordered": "reordered"}
    found = {
        name: 100 * _generation(model, tokens, order=each) / _generation(R1, tokens, order=each)
        for name, each in orders.items()
    }
    readings = tuple(
        holds(f"mean of the generation, {name}", value, BELOW(value, paper.numbers[0].value))
        for name, value in found.items()
    )
    first, second = found.values()
    reason = f"{first:.0f} % where R1 computes in the order that makes keys, {second:.0f} % reordered."
    return Judgement(readings, reason, "percent")
