"""Tables of the thesis: guidelines with their flip points, sensitivity of the verdicts, verdicts of the ledger."""

from analysis.evaluate import datasets
from analysis.evaluate.claims.ledger import ledger
from analysis.evaluate.thesis import guidelines
from analysis.evaluate.thesis.resources import tokens_per_joule
from analysis.evaluate.thesis.sensitivity import verdicts
from analysis.render.digits import digits_of, percent
from analysis.render.tables import code, table

NEVER = "never"
WEIGHED = ("C058", "C079", "C083", "C084", "C085", "C086", "S01", "S02", "S03", "S04")


def guidelines_table() -> str:
    """Every guideline with its flip point for three models on five accelerators, and the figure behind it."""
    rows = []
    for each in guidelines.GUIDELINES:
        for model in guidelines.MODELS:
            if each.experts and not datasets.model(model).n_moe:
                continue
            found = [NEVER if flip is None else digits_of(flip, 3) for flip in guidelines.flips(each, model)]
            unit = "" if each.unit == "1" else f" [{each.unit}]"
            rows.append((f"{each.rule}{unit} ({each.reader}, {{numref}}`{each.figure}`)", code(model), *found))
    header = ("inequality", "model", *(code(name) for name in guidelines.ACCELERATORS))
    caption = (
        f"Guidelines and the value at which each flips, on {guidelines.COUNT} accelerators, at L = "
        f"{guidelines.CONTEXT:g} where a context is needed (decode, BF16, fused, weights as built, even "
        "routing, datasheet rates)."
    )
    return table(header, rows, caption, "tab-guidelines", "ll" + "r" * len(guidelines.ACCELERATORS))


def sensitivity_table() -> str:
    """What the verdicts rest on under other conventions and lower rates."""
    header = (
        "variant",
        "core attention",
        "wires",
        "device on attention",
        "device on experts from",
        "acceptance for two tokens",
        "worth of arithmetic",
        "of bandwidth",
        "of capacity",
    )
    rows = [
        (
            each.name,
            percent(each.core_share),
            percent(each.wires_share),
            _number(each.device_speed),
            _number(each.device_context),
            _number(each.acceptance),
            *(_number(each.worth and each.worth[name]) for name in ("arithmetic", "memory bandwidth", "capacity")),
        )
        for each in verdicts()
    ]
    caption = (
        "Numbers behind the verdicts under other conventions: shares of TPOT, speed of core attention on the memory "
        "device, context from which that device is ahead on experts, acceptance above which two query tokens pay, "
        "elasticities. DeepSeek-R1 on 32 B200 at L = 8K and B_cap."
    )
    return table(header, rows, caption, "tab-thesis-sensitivity", "l" + "r" * 8)


def _number(value: float | None) -> str | None:
    return None if value is None or value != value else digits_of(value, 3)  # not a number: it does not fit


def joule_table() -> str:
    """Tokens per joule at B_cap if an accelerator drew its TDP, for three models; rows without TDP are left out."""
    rows = []
    for name in guidelines.ACCELERATORS:
        systems = [guidelines.setting(model, name) for model in guidelines.MODELS]
        found = [tokens_per_joule(system, guidelines.CONTEXT) for system in systems]
        if any(found):
            rows.append((code(name), datasets.accelerator(name).tdp, *map(_number, found)))
    header = ("accelerator", "TDP [W]", *(code(model) for model in guidelines.MODELS))
    caption = (
        f"Tokens per joule at L = {guidelines.CONTEXT:g} and B_cap on {guidelines.COUNT} accelerators, if each "
        "drew its TDP: accelerators alone, so an upper bound for a system that does."
    )
    return table(header, rows, caption, "tab-thesis-joule", "lr" + "r" * len(guidelines.MODELS))


def verdicts_table() -> str:
    """The claims that weigh the thesis, with their verdicts and the reasons."""
    rows = [
        (f"{code(each.id)} {datasets.claims()[each.id].claim}", each.verdict, each.reason)
        for each in ledger()
        if each.id in WEIGHED
    ]
    return table(("statement", "verdict", "why"), rows, "The claims that weigh the thesis.", "tab-thesis-verdicts")


WORDS = {
    "joule_table": joule_table,
    "verdicts_table": verdicts_table,
    "guidelines_table": guidelines_table,
    "sensitivity_table": sensitivity_table,
}
