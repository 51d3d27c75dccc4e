"""Numbers that others print about later models, as far as the study can evaluate them: one function for each quantity.

A whole number that ends in zeros is certain to its last other digit: 230 billion means 225 to 235.
"""

import re
from collections.abc import Callable
from functools import partial

from analysis.ask.numbers import exact
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import d_hd, d_KVco, d_RoPE
from analysis.ledger.claims_memory import KV, R1, TOTAL, kv
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.readings import SAME, Paper, holds
from analysis.systems.quantities import evaluate, quantity

SCALES = {"billion": 1e9, "trillion": 1e12}
GROUP, FP32 = 128, 4
"""Elements that share a scale in rows of FP8, and the bytes of a scale."""
ENDLESS = 2**20
"""Tokens of context at which the core's own queries and outputs no longer count."""
INTENSITY, ACTIVE = quantity("core_attention_intensity").label, quantity("active_parameters").label


def certain(text: str) -> int | None:
    """Digits of a printed number that carry meaning, where fewer than are printed.

    >>> certain("230"), certain("671"), certain("30.5")
    (2, None, None)
    """
    digits = text.rstrip("0")
    return len(digits) if re.fullmatch(r"\d+", text) and digits != text else None


def _parameters(paper: Paper, row) -> Judgement:
    scale, total = SCALES[row.unit], evaluate("parameters", model=row.model).value
    readings = (paper.reading("every weight of the text decoder", total / scale),)
    if (model := datasets.model(row.model)).grows:
        more = evaluate("parameters", model=row.model, windows="full", blocks=model.n_dec + 1).value
        readings += (paper.reading("one block more, for drafted tokens", more / scale),)
    reason = f"Counted from its sizes the text decoder holds {total / 1e9:.1f} billion parameters."
    return Judgement(readings, reason, row.unit, TOTAL)


def _active(paper: Paper, row) -> Judgement:
    scale, found = SCALES[row.unit], evaluate("active_parameters", model=row.model)
    model = datasets.model(row.model)
    embedded, bare = found.beside["with input embedding"], found.value - model.n_vocab * model.d_emb
    readings = (
        paper.reading("output head counted, input embedding not", found.value / scale),
        paper.reading("output head and input embedding counted", embedded / scale),
        paper.reading("neither counted", bare / scale),
    )
    reason = (
        f"A token touches {found.value / 1e9:.2f} billion parameters with the output head, {embedded / 1e9:.2f} with "
        f"the input embedding too, and {bare / 1e9:.2f} without both."
    )
    return Judgement(readings, reason, row.unit, ACTIVE)


def _elements(paper: Paper, row) -> Judgement:
    """Elements of a checkpoint: what is counted here, and without the biases of routers, which some keep apart."""
    model, total = datasets.model(row.model), evaluate("parameters", model=row.model).value
    bare = total - model.n_moe * model.n_e
    readings = (
        paper.reading("every element of the text decoder", total),
        paper.reading("biases of routers not counted", bare),
    )
    reason = f"Counted from its sizes the text decoder has {total:,} elements, {bare:,} without biases of routers."
    return Judgement(readings, reason, row.unit, TOTAL)


JUDGES: dict[str, Callable[..., Judgement]] = {
    "parameters": _parameters,
    "active_parameters": _active,
    "checkpoint_elements": _elements,
}
for _row in datasets.published().values():
    if _row.quantity in JUDGES and _row.model in datasets.models() and not _row.lacks:
        claim(_row.id, certain(_row.paper_value))(partial(JUDGES[_row.quantity], row=_row))


@claim("P001")
def _latent_row(paper: Paper) -> Judgement:
    latent, key = (exact(size, Setting.of(model=R1).point) for size in (d_KVco, d_RoPE))
    scales = latent // GROUP * FP32
    readings = (
        paper.reading("latent at 8 bit with its scales, RoPE key at 16 bit", latent + scales + 2 * key),
        paper.reading("scales not counted", latent + 2 * key),
        paper.reading("all at 8 bit, scales not counted", latent + key),
        paper.reading("all at 16 bit", kv(R1) / datasets.model(R1).n_dec),
    )
    reason = (
        f"V3.2 keeps V3's latent: {latent} bytes, {scales} of scales, one for {GROUP} elements, and {2 * key} of the "
        f"RoPE key are {latent + scales + 2 * key}; a row of 16 bit takes {readings[3].value:.0f}."
    )
    return Judgement(readings, reason, "byte", KV)


@claim("P019")
def _groups(paper: Paper) -> Judgement:
    model = datasets.claimed("P019").model
    row, point = datasets.model(model), Setting.of(model=model).point
    each = 2 * 2 * exact(d_hd, point) * row.n_dec  # K and V of 2 bytes
    groups, latent = kv(model) / each, kv(model, rope="out") / each
    readings = (paper.reading("latent and RoPE key", groups), paper.reading("latent alone", latent))
    reason = (
        f"The cache of a token is that of {groups:.2f} pairs of keys and values, {latent:.2f} without the RoPE key."
    )
    return Judgement(readings, reason, "1", KV)


def _intensity(paper: Paper, **given) -> Judgement:
    """Intensity of the core over an endless context: with the RoPE key, whose scores are work but no output, or not."""
    counted, left_out = (
        evaluate("core_attention_intensity", model=R1, L=ENDLESS, rope=rope, **given).value for rope in ("in", "out")
    )
    readings = (
        paper.reading("RoPE key counted", counted),
        paper.reading("RoPE key left out: 2 FLOP an element and head for scores, 2 for values", left_out),
    )
    reason = (
        f"A cached row gives {counted:.1f} FLOP/byte with its RoPE key, over which only scores are formed, and "
        f"{left_out:.1f} without."
    )
    return Judgement(readings, reason, "FLOP/byte", INTENSITY)


claim("P031")(_intensity)
claim("P034")(partial(_intensity, width_kv=1))


@claim("P032")
def _queries(paper: Paper) -> Judgement:
    ridge = evaluate("ridge_point", accelerator="h800-sxm5").value
    intensity = [evaluate("core_attention_intensity", model=R1, L=ENDLESS, l=each).value for each in (1, 2, 3)]
    first = next(place for place, each in enumerate(intensity, 1) if each >= ridge)
    reading = holds("fewest query tokens that reach the H800's ridge", first, SAME(first, int(paper.numbers[0].value)))
    reason = (
        f"One query token gives {intensity[0]:.0f} FLOP/byte, two {intensity[1]:.0f}; the ridge of the H800 is "
        f"{ridge:.0f}."
    )
    return Judgement((reading,), reason, "tokens", INTENSITY)
