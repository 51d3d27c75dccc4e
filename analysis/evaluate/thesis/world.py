"""The systems that conclusions are judged on: an edition's models on its accelerators, under some conventions."""

from dataclasses import dataclass

from analysis.evaluate import datasets
from analysis.evaluate.asked import fitting
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.setting import Setting


@dataclass(frozen=True)
class World:
    """A model of latent attention, the edition's own, one of experts, and those compared; slow link; memory device.

    `device` is None where nothing is known of it: at another precision, or under measured efficiencies.
    """

    latent: Setting
    own: Setting
    mixture: Setting
    others: tuple[Setting, ...]
    slow: str
    device: str | None

    @property
    def links(self) -> dict[str, Setting]:
        """The latent model on its own link, and on the slow one for every transfer, by the link's id."""
        return self._links(self.latent)

    def _links(self, setting: Setting) -> dict[str, Setting]:
        return {setting.link.id: setting} | {self.slow: setting.with_(link=self.slow)}

    @property
    def judged(self) -> dict[str, Setting]:
        """Where a token's time is judged: `links` of the latent model and of the edition's own, by name."""
        if self.own.model == self.latent.model:
            return self.links
        both = {self.latent.model.id: self.latent, self.own.model.id: self.own}
        return {
            f"{name}, {link}": each for name, setting in both.items() for link, each in self._links(setting).items()
        }

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
    return World(latent, system(edition.model), system(edition.mixture), others, edition.link_between, device)


def _has_rate(accelerator: str, peak: str) -> bool:
    return getattr(datasets.accelerator(accelerator), f"P_{peak}") is not None
