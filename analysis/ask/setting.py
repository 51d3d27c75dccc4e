"""A setting: everything a reader chose, resolved into an architecture, conventions and a point.

`Setting.of(model="deepseek-v3", B=64, L=4096)` is what the command line, the notebooks and the ledger share.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis import derive
from analysis.ask import degrees, widths
from analysis.ask.gammas import gammas
from analysis.ask.parameters import PARAMETERS
from analysis.ask.points import OWN_PEAKS, peak_rate, point_of, row_numbers, scenario_parameters
from analysis.ask.reading import read
from analysis.ask.structure import other_blocks, shape
from analysis.data import calibrations, datasets, lines
from analysis.files.errors import InputError

NUMERIC = ("B", "L", "OSL", "acceptance", "causal", "S_passes", "n_acc", "deg_TP")
CONVENTIONS = ("order", "grouping", "rope", "rope_key")
GB, GIB, HOUR = 10**9, 2**30, 3600


@dataclass(frozen=True)
class Setting:
    """Chosen parameters (checked) and what follows from them."""

    given: dict

    @classmethod
    def of(cls, **given) -> "Setting":
        """Check and collect parameters; None counts as not given. Raises InputError.

        A scenario's row gives what is not given beside it; None beside it takes a parameter of the row away.
        """
        if given.get("scenario") is not None:
            given = scenario_parameters(read("scenario", given["scenario"])) | given | {"scenario": None}
        return cls({name: read(name, value) for name, value in given.items() if value is not None})._checked()

    def with_(self, **more) -> "Setting":
        """The same setting with some parameters replaced."""
        return Setting.of(**{**self.given, **more})

    def __getitem__(self, name: str):
        """A parameter's value: as given, else its default (None where a rule sets it)."""
        return self.given.get(name, PARAMETERS[name].default)

    # -- rows ------------------------------------------------------------------------------------
    def _row(self, name: str):
        file = PARAMETERS[name].allowed[0]
        if name not in self.given:
            raise InputError(
                f"{name}= is needed: name a row, for example {name}={EXAMPLES[name]} "
                f"(`python -m analysis {file}` lists all)."
            )
        return datasets.find(file, self.given[name], name)

    def need(self, *names: str) -> None:
        """Raise InputError that names all of these rows that are not given, so that none is asked for after another."""
        missing = [name for name in names if name not in self.given]
        if len(missing) > 1:
            example = " ".join(f"{name}={EXAMPLES[name]}" for name in missing)
            raise InputError(
                f"{' and '.join(f'{name}=' for name in missing)} are needed: name rows, for example {example} "
                f"(`python -m analysis {PARAMETERS[missing[0]].allowed[0]}` lists the first)."
            )

    @cached_property
    def model(self):
        """The model's row."""
        return self._row("model")

    @cached_property
    def accelerator(self):
        """The accelerator's row."""
        return self._row("accelerator")

    @cached_property
    def link(self):
        """The row of the link that is named, else of the one that the accelerator comes with, else None."""
        if "link" in self.given:
            return self._row("link")
        name = self.accelerator.link if "accelerator" in self.given else None
        return datasets.interconnect(name) if name else None

    @cached_property
    def shape(self) -> tuple:
        """All that the architecture follows from, in words and numbers."""
        experts = self.has_experts and widths.experts_apart(self)
        return shape(self.model, self["windows"], self["blocks"] is not None), widths.parts_apart(self), experts

    @property
    def has_experts(self) -> bool:
        """Whether a model is given that has routed experts."""
        return "model" in self.given and self.model.n_moe > 0

    @cached_property
    def architecture(self):
        """What the model's blocks are made of, and whether its routed experts have a width of their own."""
        from analysis.ask.built import architecture  # sympy and all; numbers of kept forms do without

        _, apart, experts = self.shape
        return architecture(self.model, self["windows"], self["blocks"] is not None).stored(apart, experts)

    @cached_property
    def lie(self) -> tuple[bool, bool]:
        """How routed experts lie on accelerators: whether each is split, and whether there are copies of them."""
        return self.has_experts and degrees.deg_ETP_of(self) > 1, self.has_experts and self["placement"] == "replicated"

    @cached_property
    def layout(self):
        """`lie` as the derivations have it."""
        return derive.parallel.Layout(*self.lie)

    @cached_property
    def fitted(self) -> tuple[str | None, float]:
        """What of the accelerator tells which fitted kernels it runs: its architecture, and exponentials a second."""
        name = self.accelerator.id if "accelerator" in self.given else None
        return calibrations.architecture_of(name), calibrations.exponents_of(name)

    @cached_property
    def counted(self) -> tuple[str | bool, ...]:
        """The discrete choices of counting, by CONVENTIONS, and whether a prompt takes other lines than a step.

        The order is by default the one that suits the phase.
        """
        attending = self.model.attending if "model" in self.given else ()
        read = lines.mechanisms()[lines.caching_first(attending)[0].attention] if attending else lines.latent()
        prompt = self["phase"] == "prefill" and lines.cuts_prompts(attending)
        return read.order_of(self["phase"], self["order"]), self["grouping"], self["rope"], self["rope_key"], prompt

    @cached_property
    def conventions(self):
        """`counted` as the derivations have it."""
        return derive.block.Conventions(*self.counted)

    # -- the point -------------------------------------------------------------------------------
    @cached_property
    def point(self) -> dict:
        """`numbers` by symbol, as closed forms take them."""
        return point_of(self.numbers)

    @cached_property
    def numbers(self) -> dict[str, object]:
        """Every symbol's name to which the setting gives a number, in SI units."""
        parts = (
            self._step,
            self._widths,
            self._parts,
            self._degrees,
            self._model,
            self._device,
            self._link,
            self._imbalance,
        )
        return {name: value for part in parts for name, value in part().items()}

    def _step(self) -> dict:
        found = {name: self[name] for name in NUMERIC if self[name] is not None}
        more = {"l": self.queries, "SLO": self["slo"], "price": self["price_hour"] and self["price_hour"] / HOUR}
        return found | {name: value for name, value in more.items() if value is not None}

    @property
    def queries(self):
        """Query tokens of a request in this step [tokens]: l, else by the phase; None in prefill without L."""
        step = 1 if self["phase"] == "decode" else self["L"]
        return step if self["l"] is None else self["l"]

    def _widths(self) -> dict:
        return widths.widths(self)

    def _parts(self) -> dict:
        return widths.of_parts(self)

    def _degrees(self) -> dict:
        return degrees.degrees(self)

    def _model(self) -> dict:
        if "model" not in self.given:
            return {}
        found = row_numbers(self.model)
        if self.lie[1]:
            found["n_slot"] = degrees.slots(self, degrees.degrees(self)["deg_EP"])
        if self["blocks"] is None:
            return found
        return found | other_blocks(self.model, self["blocks"], self["windows"])

    def _device(self) -> dict:
        if "accelerator" not in self.given:
            return {}
        found = row_numbers(self.accelerator, self["peak"])
        if self["capacity_unit"] != "row":
            found["M_cap"] = self.accelerator.M_cap * {"GB": GB, "GiB": GIB}[self["capacity_unit"]]
        if self["memory_share"] != 1:
            found["M_cap"] *= self["memory_share"]
        experts = found
        if "accelerator_experts" in self.given:
            row = self._row("accelerator_experts")
            experts = row_numbers(row, self["peak"])
        return found | {
            "RP_acc": found["P_acc"] / found["BW_mem"],
            "P_exp": experts["P_acc"],
            "BW_exp": experts["BW_mem"],
            **{f"rate_{part}": self._own_rate(part) for part in self.own_rates},
        }

    @property
    def own_rates(self) -> tuple[str, ...]:
        """Parts of the model whose arithmetic has a rate of its own."""
        return tuple(part for part, peak in OWN_PEAKS.items() if self[peak] is not None)

    def _own_rate(self, part: str) -> float:
        """Peak of a part's arithmetic over that of the rest of what its accelerator computes [1]."""
        apart = part == "experts" and "accelerator_experts" in self.given
        row, asked = self._row("accelerator_experts") if apart else self.accelerator, OWN_PEAKS[part]
        return peak_rate(row, self[asked], asked) / peak_rate(row, self["peak"])

    def _link(self) -> dict:
        found = row_numbers(self.link) if self.link else {}
        latency = 1e-6 * (self.link.latency or 0) if self.link else None
        from_link = isinstance(self["alpha"], str)
        if from_link and not latency:
            raise InputError(
                "alpha=link: no latency is known for the link chosen; give a number of seconds, or another link."
            )
        found["alpha"] = latency if from_link else self["alpha"]
        found |= {"BW_Int": self["BW_Int"]} if self["BW_Int"] is not None else {}
        if "accelerator" in self.given and "BW_Int" not in found and np.all(np.asarray(self["n_acc"]) == 1):
            found["BW_Int"] = np.inf  # one accelerator waits for no wires
        return found | (self._groups() if self.two_levels else {})

    @property
    def two_levels(self) -> bool:
        """Whether groups of accelerators are joined by a second, slower network."""
        if ("group" in self.given) != ("link_between" in self.given):
            raise InputError(
                "group= and link_between= belong together: give the size of a group and the link between groups, "
                "for example group=8 link_between=ib-xdr."
            )
        return "group" in self.given

    def _groups(self) -> dict:
        if not np.all(degrees.divides(self["group"], self["n_acc"])):
            raise InputError(f"group={self['group']}: must divide n_acc={self['n_acc']}; give a divisor.")
        if not np.all(degrees.divides(self["deg_TP"], self["group"])):
            raise InputError(
                f"deg_TP={self['deg_TP']}: tensor-parallel groups must lie inside one group={self['group']} of the "
                "fast link; give a degree that divides it, or another group."
            )
        if self.link and self["BW_Int"] is None:
            refuse_faster_between(self.link, self._row("link_between"))
        between = row_numbers(self._row("link_between"))
        return {"n_group": self["group"], "BW_out": between["BW_Int"]}

    def _imbalance(self) -> dict:
        """Gamma of the busiest expert and of the busiest accelerator: as given, else from s and the placement."""
        if self["Gamma_imb"] is not None or not np.any(self["s"]):
            given = 1 if self["Gamma_imb"] is None else self["Gamma_imb"]
            return {"Gamma_imb": given, "Gamma_acc": given}
        expert, accelerator = gammas(self)
        return {"Gamma_imb": expert, "Gamma_acc": accelerator}

    # -- checks ----------------------------------------------------------------------------------
    def _checked(self) -> "Setting":
        lengths = {name: len(v) for name, v in self.given.items() if isinstance(v, np.ndarray)}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise InputError(
                f"lists are taken pairwise and must be of equal length, but {shown} values; shorten or repeat."
            )
        if "model" in self.given:
            widths.published(self)
        if self["OSL"] is not None and self["L"] is not None and np.any(np.asarray(self["OSL"]) >= 2 * self["L"]):
            raise InputError(
                f"OSL={self['OSL']}: allowed is below 2 L, as half of a request's output is cached on average beside "
                f"its prompt; found L={self['L']}: give the prompt and half of the output as L."
            )
        return self

    @property
    def echo(self) -> dict:
        """The conventions that were used, for the reader to see beside the number."""
        used = {name: self[name] for name in PARAMETERS if self[name] is not None}
        used |= self._degrees() | self._widths() | self._step()
        return used | dict(zip(CONVENTIONS, self.counted, strict=False))


def refuse_faster_between(inside, between) -> None:
    """Raise InputError for links (rows) of which that between groups is no slower than that inside them."""
    if between.BW_Int >= inside.BW_Int:
        raise InputError(
            f"link_between: found {between.id!r} with {between.BW_Int:g} GB/s, allowed are links slower than the "
            f"{inside.BW_Int:g} GB/s of {inside.id}; name another (`python -m analysis interconnects` lists all)."
        )


EXAMPLES = {
    "model": "deepseek-v3",
    "accelerator": "b200-sxm",
    "link": "nvlink5-b200",
    "link_between": "ib-xdr",
    "accelerator_experts": "pim-paper",
}
