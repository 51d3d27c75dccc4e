"""Who an edition's model is compared with, and who speaks for what it lacks: models that the system holds."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from math import log2

from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import Edition, has_experts, has_latent, paper
from analysis.evaluate.quantities import evaluate

ROLES: dict[str, tuple[Callable[[str], bool], str]] = {
    "latent": (has_latent, "latent attention"),
    "mixture": (has_experts, "routed experts"),
}


def in_company(edition: Edition) -> Edition:
    """The edition with its stand-ins and the models compared, its own last. Raises InputError for any that fits not."""
    _refuse_unfit(edition, "model", edition.model)
    given = tuple(each for each in edition.models if "models" in edition.given and each != edition.model)
    if "models" in edition.given and not given:
        raise InputError("models: found only the model itself, allowed is at least one other; name one.")
    latent = _speaker(edition, "latent", given)
    found = replace(edition, latent=latent, mixture=_speaker(edition, "mixture", (*given, latent)))
    others = given or _compared(found)
    if not others:
        raise InputError(
            "models: found none to compare that fits here beside the model itself, allowed is at least one other; "
            "name one or more, or raise n_acc."
        )
    for each in others:
        _refuse_unfit(found, "models", each)
    return replace(found, models=(*others, found.model), B=_batch(found))


def _batch(edition: Edition) -> int:
    """The reader's batch; else the paper's, or the largest power of two that memory holds where it is less."""
    fitting = edition.capacity(edition.model, edition.L)
    return edition.B if "B" in edition.given or fitting >= edition.B else 2 ** int(log2(max(1, fitting)))


def _refuse_unfit(edition: Edition, key: str, model: str) -> None:
    if not edition.fits(model):
        raise InputError(
            f"{key}: found {model!r}, whose weights and contexts of {edition.longest:,} tokens {edition.n_acc} x "
            f"{edition.accelerator} do not hold, allowed are models that fit; name a smaller one, raise n_acc or lower "
            "L."
        )


def _speaker(edition: Edition, role: str, before: tuple[str, ...]) -> str:
    """The model of a role: the reader's choice; else the first that fits: its own, some `before`, the paper's, any."""
    able, part = ROLES[role]
    if role in edition.given:
        chosen = getattr(edition, role)
        if not able(chosen):
            raise InputError(f"{role}: found {chosen!r}, allowed are models with {part}; name another.")
        _refuse_unfit(edition, role, chosen)
        return chosen
    for each in chain((edition.model, *before, getattr(paper(), role)), _largest_first(able)):
        if able(each) and edition.fits(each):
            return each
    raise InputError(
        f"{role}: found no model with {part} that {edition.n_acc} x {edition.accelerator} hold, allowed are systems "
        "that hold one for the chapters on it; raise n_acc."
    )


def _largest_first(able: Callable[[str], bool]) -> Iterator[str]:
    """The models that have a part, by parameters, the largest first."""
    found = {each: evaluate("parameters", model=each).value for each in datasets.shipped("models") if able(each)}
    yield from sorted(found, key=found.get, reverse=True)


def _compared(edition: Edition) -> tuple[str, ...]:
    """The paper's models that fit; where none does, those that speak for a part."""
    for group in (paper().models, (edition.latent, edition.mixture)):
        found = tuple(dict.fromkeys(each for each in group if each != edition.model and edition.fits(each)))
        if found:
            return found
    return ()
