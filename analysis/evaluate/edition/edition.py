"""An edition: the models, accelerators, links and sizes that the whole book speaks of, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import gcd
from pathlib import Path

from analysis.evaluate import datasets
from analysis.evaluate.arrangements import fitting_degree, holds
from analysis.evaluate.asked import fitting
from analysis.evaluate.edition.document import PAPER, read_document
from analysis.evaluate.grids import capacities
from analysis.evaluate.setting import Setting, architecture

CONTEXT = 8192
"""Tokens at which chapters compare systems where an edition names no longer context."""

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
        """The compared models besides the edition's own, which is the last of them."""
        return tuple(each for each in self.models if each != self.model)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The paper's models that are not compared, for want of memory or because the reader chose others."""
        return tuple(each for each in paper().models if each not in self.models)

    @property
    def counterpart(self) -> str:
        """The accelerator as shipped, where the edition's is as the paper prints it; else another, or ""."""
        part = self.accelerator.removesuffix("-paper")
        others = [each for each in self.accelerators if each != self.accelerator]
        return next((each for each in others if each.startswith(f"{part}-")), next(iter(others), ""))

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
        return self.deg_TP if self.deg_TP is not None else fitting_degree(self._on(model), self.longest)

    def batches(self, model: str, L: int, most: int = 512) -> str:
        """Five batches [requests], evenly in the logarithm: from one for each group of accelerators that shares a
        context to what memory holds at L tokens, or `most` for each accelerator."""
        least = self.n_acc // self.degree(model)
        ratio = max(1.0, min(self.capacity(model, L), most * self.n_acc) / least)
        return ",".join(str(each) for each in sorted({int(least * ratio ** (power / 4)) for power in range(5)}))

    def degrees(self, model: str) -> list[int]:
        """Tensor-parallel degrees of 2, 4 and 8 that divide the accelerators and a model's query heads."""
        both = gcd(self.n_acc, datasets.model(model).n_hd)
        return [each for each in (2, 4, 8) if both % each == 0]

    def capacity(self, model: str, L: int) -> int:
        """Largest batch [requests] of a model that memory holds at a context of L tokens."""
        return int(capacities(Setting.of(**self.system(model)), [L])[0])

    def fits(self, model: str) -> bool:
        """Whether memory holds the weights of a model and a context for each group of accelerators that shares one."""
        return holds(self._on(model).with_(deg_TP=self.degree(model)), self.longest)

    @property
    def longest(self) -> int:
        """The longest context [tokens] at which chapters compare systems."""
        return max(self.L, CONTEXT)

    def _on(self, model: str) -> Setting:
        grouped = {"group": self.group, "link_between": self.link_between}
        return fitting(Setting.of(**self.device, link=self.link, n_acc=self.n_acc, model=model, **grouped))

    def speaker(self, mechanism: str) -> str:
        """The model that speaks for an attention mechanism, or "" if none of the edition's has it."""
        own = (self.model, self.latent, *self.models)
        return next((each for each in own if datasets.model(each).attention == mechanism), "")


@cache
def paper() -> Edition:
    """The paper's setting, which stands in book/edition.yml like any other edition."""
    document = read_document(PAPERS_FILE)
    return Edition(**(document.values | {"name": PAPER}), given=frozenset(), file=PAPERS_FILE.name)


def has_latent(model: str) -> bool:
    """Whether a model's attention has two contraction orders."""
    return len(architecture(datasets.model(model)).mechanism.orders) > 1


def has_experts(model: str) -> bool:
    """Whether a model has routed experts."""
    return datasets.model(model).n_moe > 0
