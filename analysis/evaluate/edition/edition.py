"""An edition resolved: every key has a value, what its model lacks has a stand-in, and all of it fits together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from analysis.derive.symbols import BW_mem, RP_acc
from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.arrangements import fitting_degree
from analysis.evaluate.asked import fitting
from analysis.evaluate.edition.document import PAPER, read_document
from analysis.evaluate.grids import check_system
from analysis.evaluate.own_text import place
from analysis.evaluate.points import peak_rate
from analysis.evaluate.setting import Setting, architecture

PAPERS_FILE = Path(__file__).resolve().parents[3] / "book" / "edition.yml"


@dataclass(frozen=True)
class Edition:
    """What the book speaks of. Rows are ids; `own` holds the paths of the reader's own rows by file of data/.

    Numbers are SI: B [requests of the whole system], L [tokens], slo [s], width [byte]. `given` are the keys that the
    reader set; `deg_TP` is None where each model takes the smallest degree at which it fits.
    """

    name: str
    title: str
    model: str
    latent: str
    mixture: str
    models: tuple[str, ...]
    accelerator: str
    accelerators: tuple[str, ...]
    accelerator_experts: str
    link: str
    link_between: str
    group: int
    n_acc: int
    B: int
    L: int
    slo: float
    width: float
    peak: str
    deg_TP: int | None = None
    given: frozenset[str] = frozenset()
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file: str = ""

    @property
    def is_paper(self) -> bool:
        """Whether this is the paper's setting."""
        return self.name == PAPER

    @property
    def files(self) -> tuple[Path, ...]:
        """The reader's own rows, which the book depends on."""
        return tuple(sorted({Path(path) for paths in self.own.values() for path in paths}))

    @property
    def others(self) -> tuple[str, ...]:
        """The compared models besides the edition's own."""
        return tuple(each for each in self.models if each != self.model)

    @property
    def other_mixture(self) -> str:
        """A second model with routed experts, to set beside `mixture`: a compared one, else the paper's."""
        return next(each for each in (*self.models, *paper().models) if has_experts(each) and each != self.mixture)

    @property
    def B_each(self) -> int:
        """Requests of one accelerator where each holds the whole attention of its own."""
        return max(1, self.B // self.n_acc)

    @property
    def BW_Int(self) -> str:
        """Bandwidths of a joined system [byte/s]: the link's, their geometric mean, and that between groups."""
        fast, slow = (1e9 * datasets.interconnect(each).BW_Int for each in (self.link, self.link_between))
        return f"{fast:.6g},{(fast * slow) ** 0.5:.6g},{slow:.6g}"

    @property
    def device(self) -> dict:
        """One accelerator and the arithmetic on it, as parameters of a setting."""
        return {"accelerator": self.accelerator, "peak": self.peak, "width": self.width}

    def system(self, model: str = "") -> dict:
        """The whole system for a model (by default the edition's), on one fast link, as parameters of a setting."""
        model = model or self.model
        parts = {"model": model, "link": self.link, "n_acc": self.n_acc, "deg_TP": self.degree(model)}
        return self.device | dict(fitting(Setting.of(**parts)).given)

    def degree(self, model: str) -> int:
        """Tensor-parallel degree of a model: the edition's, else the paper's for it, else the smallest that fits."""
        if self.deg_TP is not None:
            return self.deg_TP
        grouped = {"group": self.group, "link_between": self.link_between}
        setting = Setting.of(**self.device, link=self.link, n_acc=self.n_acc, model=model, **grouped)
        return fitting_degree(fitting(setting), self.L)

    def speaker(self, mechanism: str) -> str:
        """The model that speaks for an attention mechanism, or "" if none of the edition's has it."""
        own = (self.model, self.latent, *self.models)
        return next((each for each in own if datasets.model(each).attention == mechanism), "")


@cache
def paper() -> Edition:
    """The paper's setting, which stands in book/edition.yml like any other edition."""
    document = read_document(PAPERS_FILE)
    return Edition(**(document.values | {"name": PAPER}), given=frozenset(), file=PAPERS_FILE.name)


def read_edition(path: Path) -> Edition:
    """The edition in a reader's file. Raises InputError that begins with the file, if anything in it cannot be used.

    The rows it names by path are known inside `datasets.further(edition.own)` only.
    """
    document = read_document(path)
    with datasets.further(document.own):
        try:
            edition = _resolved(document.values, Path(path).name, document.own)
            _check(edition)
        except InputError as failure:
            raise InputError(f"{place(path)}: {failure}") from None
    return edition


def _resolved(values: dict, file: str, own: Mapping[str, tuple[str, ...]]) -> Edition:
    if values["name"] == PAPER:
        raise InputError(f"name: found {PAPER!r}, which is the paper's setting, allowed are other names; rename it.")
    ours = replace(paper(), **{key: value for key, value in values.items() if key in ("model", "accelerator")})
    wanted = (ours.model, *values.get("models", ()))
    peak = values.get("peak", ours.peak)
    derived = {
        "title": f"{datasets.model(ours.model).name} on {datasets.accelerator(ours.accelerator).name}",
        "latent": _first(wanted, has_latent, paper().latent),
        "mixture": _first(wanted, has_experts, paper().mixture),
        "models": tuple(dict.fromkeys((*paper().models, ours.model))),
        "accelerators": tuple(each for each in paper().accelerators if _has_rate(each, peak)),
        "link": _link(ours, values),
    }
    found = replace(ours, **(derived | values), given=frozenset(values), file=file, own=own)
    return replace(found, accelerators=tuple(dict.fromkeys((found.accelerator, *found.accelerators))))


def has_latent(model: str) -> bool:
    """Whether a model's attention has two contraction orders."""
    return len(architecture(datasets.model(model)).mechanism.orders) > 1


def has_experts(model: str) -> bool:
    """Whether a model has routed experts."""
    return datasets.model(model).n_moe > 0


def _first(models: Iterable[str], able, otherwise: str) -> str:
    return next((each for each in models if able(each)), otherwise)


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


def _check(edition: Edition) -> None:
    if not has_latent(edition.latent):
        raise InputError(f"latent: found {edition.latent!r}, allowed are models with latent attention; name another.")
    if not has_experts(edition.mixture):
        raise InputError(f"mixture: found {edition.mixture!r}, allowed are models with routed experts; name another.")
    for each in dict.fromkeys((*edition.accelerators, edition.accelerator_experts)):
        peak_rate(datasets.accelerator(each), edition.peak)
    _check_link_between(edition)
    _check_device(edition)
    for model in dict.fromkeys((edition.model, edition.latent, edition.mixture, *edition.models)):
        setting = Setting.of(**edition.system(model))
        check_system(setting)
        _ = setting.with_(group=edition.group, link_between=edition.link_between).point


def _check_link_between(edition: Edition) -> None:
    """The chapters compare a fast link with a slow one."""
    fast, slow = (datasets.interconnect(each).BW_Int for each in (edition.link, edition.link_between))
    if slow >= fast:
        raise InputError(
            f"link_between: found {edition.link_between!r} with {slow:g} GB/s, allowed are links slower than the "
            f"{fast:g} GB/s of {edition.link}; name another (`python -m analysis interconnects` lists all)."
        )


def _check_device(edition: Edition) -> None:
    """The device that may run the experts trades arithmetic for bandwidth; what chapters say of it needs that."""
    parts = (edition.accelerator, edition.accelerator_experts)
    plain, device = (Setting.of(accelerator=each, peak=edition.peak).point for each in parts)
    if not (device[RP_acc] < plain[RP_acc] and device[BW_mem] > plain[BW_mem]):
        raise InputError(
            f"accelerator_experts: found {edition.accelerator_experts!r}, allowed are devices of a lower ridge point "
            f"and a higher bandwidth than {edition.accelerator}; name another."
        )
