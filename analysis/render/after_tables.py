"""Models after the paper in words and as a table: what each keeps, touches, and where a token waits for it."""

from functools import cache

from analysis.ask.numbers import value
from analysis.ask.points import memory_bytes
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.block import bytes_moved, summed
from analysis.derive.symbols import B, BW_mem, n_res
from analysis.files.errors import InputError
from analysis.render.digits import PREFIXES, digits_of, percent, with_unit
from analysis.render.figures.after import chip
from analysis.render.tables import table
from analysis.render.verdict_tables import stretch_words
from analysis.render.words import named, person
from analysis.systems.canonical import paper
from analysis.systems.layers import swept
from analysis.thesis import after, carried
from analysis.thesis.after import Carried
from analysis.thesis.carried import CHIPS
from analysis.thesis.conclusions import size
from analysis.thesis.full import batch_at_capacity, terms_at, total
from analysis.thesis.largest import CORE
from analysis.thesis.region import Stretch

SHORT, LONG = 8192, 131072
"""Contexts [tokens] of the table's columns; both are among those that are looked at."""


@cache
def _all(format_: str = "16 bits") -> dict[str, Carried]:
    return {each.setting.model.id: each for each in after.carried(format_)}


def after_model(model: str, format_: str = "16 bits") -> Carried:
    """One of the models that the argument is carried to, on the book's system, kept in one of `after.FORMATS`."""
    return _all(format_)[model]


@cache
def _on(model: str, chip_id: str) -> carried.Placed:
    return carried.Placed(carried.on(after_model(model).setting, chip_id))


def on_chip(model: str, on: str) -> Setting:
    """One of these models on as many of another accelerator as the book's system has."""
    return _on(model, on).setting


def leads(model: str, on: str = "") -> str:
    """The contexts at which attention to what is kept takes most of a token's time, memory full: on the book's
    accelerator, or on another."""
    return spans(_on(model, on).leaders[CORE] if on else after_model(model).leads)


def leads_in(model: str, format_: str, part: str = CORE) -> str:
    """The contexts at which a part of a step, one of `largest.NAMES`, takes most of it on the book's accelerator, the
    model kept in one of `after.FORMATS`."""
    return spans(after_model(model, format_).where_largest(part))


def holds(conclusion: str, model: str, on: str) -> str:
    """The contexts at which a conclusion holds for a model on an accelerator, memory full. Raises InputError where it
    cannot be asked."""
    found = _on(model, on).held[conclusion]
    if found is None:
        raise InputError(f"conclusion={conclusion}: {model} lacks what it speaks of; ask it of another model.")
    return spans(found)


def asked_at(conclusion: str, name: str):
    """What is fixed where a conclusion is carried over: `skew`, `acceptance`, `query`, `degree`."""
    return next(each for each in carried.ASKED if each.name == conclusion).place[name]


def gains(model: str, on: str) -> str:
    """The contexts at which picks or states serve more than a whole cache would, memory full."""
    return spans(carried.pays(_on(model, on).setting))


def memory_to_lead(model: str, context: int, count: int | None = None, format_: str = "16 bits") -> float:
    """Memory of an accelerator [byte] from which attention leads at one context; on `count` of them, if given."""
    setting = after_model(model, format_).setting
    return carried.capacity_to_lead(setting.with_(n_acc=count) if count else setting, context)


def spans(found: tuple[Stretch, ...]) -> str:
    """Stretches of contexts in words.

    >>> spans((Stretch(1465.7, 10402.0),)), spans((Stretch(1826.0, None),)), spans(()), spans((Stretch(None, None),))
    ('between 1,470 and 10,400 tokens', 'beyond 1,830 tokens', 'at no context', 'at every context')
    """
    return stretch_words(found, "context", digits_of, "", " tokens")


def memory_of(on: str) -> float:
    """Memory of an accelerator [byte], as batches are counted in it."""
    return memory_bytes(datasets.accelerator(on))


def share_at(model: str, context: int) -> float:
    """Share of attention to what is kept in a token's time at full memory [1], at one of the contexts looked at."""
    found = after_model(model)
    place = found.contexts.tolist().index(context)
    return float(found.attention[place])


def adding_share(model: str, context: int) -> float:
    """Time of adding results to the residual stream over that of a step without it [1], memory full: what the step of a
    model with one stream leaves out."""
    setting = after_model(model).setting
    kinds = ((kind.blocks, kind.streams()) for kind in setting.architecture.kinds)
    after = ((blocks, tuple(each for each in kernels if each.name.startswith("after"))) for blocks, kernels in kinds)
    added = summed((blocks, bytes_moved(kernels)) for blocks, kernels in after)
    batch = batch_at_capacity(setting, context)
    moved = value(added, swept(setting, L=context) | {B: batch / setting["n_acc"], n_res: 1})
    return float(moved / setting.point[BW_mem] / total(terms_at(setting, batch, context)))


def after_table() -> str:
    """One row a model: attention, bytes that a request keeps, phi, share of a step, where attention leads, and the
    memory of an accelerator from which it does at the longer context."""
    rows = []
    for model, each in _all().items():
        places = [each.contexts.tolist().index(context) for context in (SHORT, LONG)]
        kept = with_unit(float(each.kept[places[-1]]), "byte", "GB")
        phi = digits_of(float(each.phi[places[-1]]))
        shares = (percent(float(each.attention[place])) for place in places)
        turn = memory_to_lead(model, LONG)
        needed = with_unit(turn, "byte", "GB") if turn else "any"
        rows.append((person(model), mechanisms(model), kept, phi, *shares, _bare(leads(model)), needed))
    short, long = map(size, (SHORT, LONG))
    header = ("model", "attention", "keeps", f"φ at {long}", f"share at {short}", f"share at {long}")
    caption = (
        f"What a request keeps at {long} tokens, what a step touches of it (φ), the share of attention to it in a "
        "token's time with memory full, the contexts [tokens] at which it is the largest part, and the memory of an "
        f"accelerator from which it is at {long}: {_system(_all()['deepseek-v3'].setting)}."
    )
    return table((*header, "leads", f"memory to lead at {long}"), rows, caption, "tab-after", "llrrrrlr")


def formats_table() -> str:
    """One row a model: the contexts at which attention leads, by the format in which the model is kept."""
    rows = [(person(model), *(_bare(leads_in(model, each)) for each in after.FORMATS)) for model in _all()]
    caption = (
        "Contexts [tokens] at which attention to what is kept is the largest part of a token's time, memory full, by "
        f"the bits in which a model is kept, on {paper().n_acc} {chip(_all()['deepseek-v3'].setting)}. Each column "
        "keeps what the one before has."
    )
    return table(("model", *after.FORMATS), rows, caption, "tab-after-formats")


def _bare(contexts: str) -> str:
    """Contexts in words without their unit, which a table's caption names once."""
    return contexts.removesuffix(" tokens")


def _system(setting: Setting) -> str:
    """Accelerators, network and precision in words."""
    width = "16 bit" if setting["width"] == 2 else f"{8 * setting['width']:g} bit"
    return f"{setting['n_acc']} {chip(setting)}, {named(setting.link.id)}, {width}"


def mechanisms(model: str) -> str:
    """The mechanisms of a model's blocks, each once, as its row names them.

    >>> mechanisms("qwen3-next-80b-a3b")
    'GQA gated, GDN'
    """
    names = (kind.attention for kind in datasets.model(model).kinds if kind.attention)
    return ", ".join(dict.fromkeys(name.replace("_", " ") for name in names))


def gains_table() -> str:
    """One row a model that picks or keeps states: the contexts at which it serves more than its twin, by chip."""
    models = list(carried.TWINS)
    rows = [(person(model), *(_bare(gains(model, each)) for each in CHIPS)) for model in models]
    chips = [chip(_on(models[0], each).setting) for each in CHIPS]
    count = paper().n_acc
    caption = (
        f"Contexts [tokens] at which a model serves more tokens than its twin, memory full, on {count} of each "
        "accelerator. A twin is the same model with all rows read, or with a cache like its other blocks' in "
        "place of states."
    )
    return table(("model", *chips), rows, caption, "tab-after-gains")


def wires_table() -> str:
    """One row a model: the work of a byte, and the link at which wires hide behind experts that compute."""
    rows = []
    for model, each in _all().items():
        arithmetic, work = each.wires
        rate = each.setting.accelerator.P_bf16 * PREFIXES["T"]
        hidden = "yes" if arithmetic <= work else "no"
        rows.append((person(model), digits_of(work, 4), with_unit(rate / work, "byte/s", "GB/s"), hidden))
    system = _all()["deepseek-v3"].setting
    own = named(system.link.id)
    header = ("model", "FLOP per byte exchanged", "link that suffices", f"{own} hides")
    caption = (
        "Operations of routed experts for each byte exchanged, and the one-way bandwidth from which exchanges "
        f"take no longer than experts that compute, on {chip(system)} in 16 bit."
    )
    return table(header, rows, caption, "tab-after-wires", "lrrl")
