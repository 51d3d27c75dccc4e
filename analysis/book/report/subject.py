"""The system that a report is about: what the reader gave, what follows, and the plan that serves it best."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from analysis.ask.asked import fitting
from analysis.ask.own_names import located
from analysis.ask.parameters import PARAMETERS
from analysis.ask.setting import Setting
from analysis.files.documents import yaml_mapping
from analysis.files.errors import InputError
from analysis.systems.plan import CHOSEN, Plan, checked, plans

NEEDED = ("model", "accelerator", "n_acc")
CONTEXT = 8192  # tokens where the reader names none: the context at which the book compares systems


@dataclass(frozen=True)
class System:
    """Parameters as the reader gave them (paths of own rows made absolute), and the setting that they describe."""

    given: Mapping[str, object]

    @cached_property
    def setting(self) -> Setting:
        """The setting at the context asked for, experts spread as they fit; a plan chooses degrees and batch.

        A scenario's own batch gives way to the plan's. Raises InputError for what a plan cannot start from.
        """
        asked = Setting.of(**self.given).given
        kept = {name: value for name, value in asked.items() if name in self.given or name not in CHOSEN}
        return fitting(checked(Setting.of(**{"L": CONTEXT} | kept)))

    @cached_property
    def plans(self) -> list[Plan]:
        """Every arrangement that fits, the one that serves most first. Raises InputError where nothing fits."""
        return plans(self.setting)

    @cached_property
    def served(self) -> Setting:
        """The setting under the best plan, at its batch."""
        best = self.plans[0]
        return best.setting.with_(B=best.batch)

    @property
    def name(self) -> str:
        """The system in words."""
        return f"{self.setting.model.name} on {self.setting['n_acc']} x {self.setting.accelerator.name}"

    def written(self) -> str:
        """The file that asks for this report again."""
        return "# A system, for `python -m analysis report --system FILE`.\n" + yaml.safe_dump(
            dict(self.given), sort_keys=False, allow_unicode=True
        )


def system_of(given: Mapping[str, object]) -> System:
    """The system that parameters describe.

    Raises InputError that names all that is missing, or for anything that a setting refuses.
    """
    lacking = [name for name in NEEDED if given.get(name) in (None, "") and "scenario" not in given]
    if lacking:
        raise InputError(
            f"needed: {', '.join(f'{name}=' for name in lacking)}; for example model=deepseek-v3 accelerator=b200-sxm "
            "n_acc=32."
        )
    found = System(given)
    _ = found.setting.point
    return found


def from_folder(given: Mapping[str, object], base: Path) -> dict[str, object]:
    """Parameters with the paths of own rows in them made absolute, relative ones read from `base`."""
    return {name: located(name, value, base) for name, value in given.items()}


def system_in(path: Path) -> dict[str, object]:
    """Parameters in a YAML file, `name: value`. Raises InputError for a key that is no parameter."""
    given = from_folder(yaml_mapping(path), path.absolute().parent)
    for name in given:
        if name not in PARAMETERS:
            raise InputError(f"{path}: found the key {name!r}, allowed are those of `python -m analysis parameters`.")
    return given
