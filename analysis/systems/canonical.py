"""The canonical setting: the models, accelerators, links and sizes that the whole book speaks of (book/edition.yml)."""

from dataclasses import dataclass
from functools import cache

import yaml

from analysis.ask.asked import fitting
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.files.whole import ROOT
from analysis.systems.arrangements import fitting_degree

CONTEXT = 8192
"""Tokens at which chapters compare systems where the setting names no longer context."""

PAPERS_FILE = ROOT / "book" / "edition.yml"


@dataclass(frozen=True)
class Edition:
    """What the book speaks of, rows by id.

    Numbers are SI: B [requests of the whole system], L [tokens], slo [s], width [byte].
    """

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

    @property
    def others(self) -> tuple[str, ...]:
        """The compared models besides the setting's own, which is the last of them."""
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
    def device(self) -> dict:
        """One accelerator and the arithmetic on it, as parameters of a setting."""
        return {"accelerator": self.accelerator, "peak": self.peak, "width": self.width}

    def system(self, model: str = "") -> dict:
        """The whole system for a model (by default the setting's), on one fast link, as parameters of a setting."""
        model = model or self.model
        parts = {"model": model, "link": self.link, "n_acc": self.n_acc, "deg_TP": self.degree(model)}
        return self.device | dict(fitting(Setting.of(**parts)).given)

    def degree(self, model: str) -> int:
        """Tensor-parallel degree of a model: the paper's for it, else the smallest that fits."""
        return fitting_degree(self._on(model), self.longest)

    @property
    def longest(self) -> int:
        """The longest context [tokens] at which chapters compare systems."""
        return max(self.L, CONTEXT)

    def _on(self, model: str) -> Setting:
        grouped = {"group": self.group, "link_between": self.link_between}
        return fitting(Setting.of(**self.device, link=self.link, n_acc=self.n_acc, model=model, **grouped))

    def speaker(self, mechanism: str) -> str:
        """The model that speaks for an attention mechanism, or "" if none of its own has it."""
        own = (self.model, self.latent, *self.models)
        return next((each for each in own if datasets.model(each).attention == mechanism), "")


@cache
def paper() -> Edition:
    """The paper's setting."""
    found = yaml.safe_load(PAPERS_FILE.read_text(encoding="utf-8"))
    return Edition(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})


def has_experts(model: str) -> bool:
    """Whether a model has routed experts."""
    return datasets.model(model).n_moe > 0
