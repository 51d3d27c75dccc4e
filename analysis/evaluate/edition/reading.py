"""A reader's edition from its file: what it leaves out follows from what it says, and all of it fits together."""

from collections.abc import Mapping
from dataclasses import replace
from math import gcd
from pathlib import Path

from analysis.derive.symbols import BW_mem, RP_acc
from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.edition.company import in_company
from analysis.evaluate.edition.document import PAPER, read_document
from analysis.evaluate.edition.edition import Edition, paper
from analysis.evaluate.grids import check_system
from analysis.evaluate.own_text import place
from analysis.evaluate.points import peak_rate
from analysis.evaluate.setting import Setting, refuse_faster_between


def read_edition(path: Path) -> Edition:
    """The edition in a reader's file. Raises InputError that begins with the file, if anything in it cannot be used.

    The rows it names by path are known inside `datasets.further(edition.own)` only.
    """
    document = read_document(path)
    with datasets.further(document.own):
        try:
            edition = _resolved(document.values, Path(path).name, document.own)
            _check_models(edition)
        except InputError as failure:
            raise InputError(f"{place(path)}: {failure}") from None
    return edition


def _resolved(values: dict, file: str, own: Mapping[str, tuple[str, ...]]) -> Edition:
    if values["name"] == PAPER:
        raise InputError(f"name: found {PAPER!r}, which is the paper's setting, allowed are other names; rename it.")
    ours = replace(paper(), **{key: value for key, value in values.items() if key in ("model", "accelerator")})
    peak = values.get("peak", ours.peak)
    derived = {
        "title": f"{datasets.model(ours.model).name} on {datasets.accelerator(ours.accelerator).name}",
        "accelerators": tuple(each for each in paper().accelerators if _has_rate(each, peak)),
        "link": _link(ours, values),
        "group": gcd(ours.group, values.get("n_acc", ours.n_acc)),
    }
    found = replace(ours, **(derived | values), given=frozenset(values), file=file, own=own)
    found = replace(found, accelerators=tuple(dict.fromkeys((found.accelerator, *found.accelerators))))
    _check_system(found)
    return in_company(found)


def _has_rate(accelerator: str, peak: str) -> bool:
    return getattr(datasets.accelerator(accelerator), f"P_{peak}") is not None


def _link(edition: Edition, values: dict) -> str:
    """The link that the accelerator comes with, unless the document names one."""
    own = datasets.accelerator(edition.accelerator).link
    if not own and "link" not in values:
        raise InputError(
            f"accelerator={edition.accelerator}: comes with no known link, allowed is any row of "
            "data/interconnects.csv; add link=, for example link: nvlink5-b200."
        )
    return own or ""


def _check_system(edition: Edition) -> None:
    """Accelerators and links that every chapter can compare, before models are put on them."""
    for each in edition.accelerators:
        peak_rate(datasets.accelerator(each), edition.peak)
    if not _has_rate(edition.accelerator_experts, edition.peak):
        raise InputError(
            f"accelerator_experts: found {edition.accelerator_experts!r}, which has no rate for peak={edition.peak}, "
            "allowed are devices that have it; name one, or another peak."
        )
    if edition.n_acc % 2:
        raise InputError(
            f"n_acc: found {edition.n_acc}, allowed are even numbers, as chapters divide attention over two "
            "accelerators and more; name another."
        )
    _check_link_between(edition)
    _check_device(edition)


def _check_models(edition: Edition) -> None:
    for model in dict.fromkeys((edition.model, edition.latent, edition.mixture, *edition.models)):
        setting = Setting.of(**edition.system(model))
        check_system(setting)
        _ = setting.with_(group=edition.group, link_between=edition.link_between).point


def _check_link_between(edition: Edition) -> None:
    """The chapters compare a fast link with a slow one."""
    refuse_faster_between(*(datasets.interconnect(each) for each in (edition.link, edition.link_between)))


def _check_device(edition: Edition) -> None:
    """The device that may run the experts trades arithmetic for bandwidth; what chapters say of it needs that."""
    parts = (edition.accelerator, edition.accelerator_experts)
    plain, device = (Setting.of(accelerator=each, peak=edition.peak).point for each in parts)
    if not (device[RP_acc] < plain[RP_acc] and device[BW_mem] > plain[BW_mem]):
        raise InputError(
            f"accelerator_experts: found {edition.accelerator_experts!r}, allowed are devices of a lower ridge point "
            f"and a higher bandwidth than {edition.accelerator}; name another."
        )
