"""The systems that conclusions are judged on: an edition's models on its accelerators, under some conventions."""

from dataclasses import dataclass

from analysis.evaluate import datasets
from analysis.evaluate.asked import fitting
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.setting import Setting


@dataclass(frozen=True)
class World:
    """A model of latent attention, one of experts, and those compared with them; the slow link; the memory device.

    `device` is None where nothing is known of it: at another precision, or under measured efficiencies.
    """

    latent: Setting
    mixture: Setting
    others: tuple[Setting, ...]
    slow: str
    device: str | None

    @property
    def links(self) -> dict[str, Setting]:
        """The latent model on its own link, and on the slow one for every transfer, by the link's id."""
        own = self.latent.link.id
        return dict.fromkeys([own], self.latent) | {self.slow: self.latent.with_(link=self.slow)}

    @property
    def models(self) -> tuple[Setting, ...]:
        """Every model, the latent one last."""
        return (*self.others, self.latent)


def world(edition: Edition, **changed) -> World:
    """The edition's systems with some parameters of their settings replaced. Raises InputError."""

    def system(model: str) -> Setting:
        given = edition.device | {"model": model, "link": edition.link, "n_acc": edition.n_acc}
        return fitting(Setting.of(**given | {"deg_TP": edition.degree(model)} | changed))

    latent = system(edition.latent)
    known = latent["calibration"] is None and _has_rate(edition.accelerator_experts, latent["peak"])
    device = edition.accelerator_experts if known else None
    others = tuple(system(each) for each in edition.models if each != edition.latent)
    return World(latent, system(edition.mixture), others, edition.link_between, device)


def _has_rate(accelerator: str, peak: str) -> bool:
    return getattr(datasets.accelerator(accelerator), f"P_{peak}") is not None
