"""Numbers for the page on the machine that a model wants, and its table of models."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.ask.forms import derived
from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.symbols import B, BW_Int, BW_mem, M_cap, P_acc
from analysis.render.digits import digits_of, with_unit
from analysis.render.tables import table
from analysis.render.words import named, person
from analysis.systems import balanced
from analysis.systems.canonical import Edition
from analysis.systems.design import Design, designs, distances, worth


@dataclass(frozen=True)
class Wanted:
    """A balanced machine in numbers: its batch [requests], `time` [s] in which each resource works, how many times that
    its kernels take one after another (`waits` [1]), what a step computes, moves and sends on an accelerator [FLOP,
    byte], what that asks for [SI], per byte/s of memory bandwidth, and the worth of one per cent of each [1]."""

    design: Design
    batch: float
    time: float
    waits: float
    work: float
    moved: float
    sent: float
    arithmetic: float
    bandwidth: float
    memory: float
    link: float

    @property
    def per_byte(self) -> float:
        """Arithmetic over memory bandwidth [FLOP/byte]."""
        return self.arithmetic / self.bandwidth

    @property
    def seconds(self) -> float:
        """Memory over its bandwidth [s]."""
        return self.memory / self.bandwidth

    @property
    def linked(self) -> float:
        """Link over memory bandwidth [1]."""
        return self.link / self.bandwidth

    @property
    def worth(self) -> dict[str, float]:
        """Tokens/s that one per cent more of each resource gains [per cent]."""
        return {name: 100 * each.gained_form for name, each in worth(self.design).items()}

    def has(self, accelerator: str, resource: str) -> float:
        """What an accelerator of the data has of a resource, over what the model wants at its bandwidth [1]."""
        return next(each for each in distances(self.design) if each.row.id == accelerator).has[resource]


def wanted_machine(**given) -> Wanted:
    """The balanced machine in a setting of one precision, of its accelerator's memory bandwidth or at its B.

    >>> at = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32, "L": 8192, "slo": 0.05, "width": 2}
    >>> round(wanted_machine(**at).per_byte)
    206
    """
    (design,), _ = designs(Setting.of(**given))
    setting, machine = design.setting, {symbol: float(number) for symbol, number in design.machine.items()}
    point = setting.point | {B: machine[B], BW_Int: 1.0}
    needs = (balanced.arithmetic, balanced.traffic, balanced.exchanged)
    work, moved, sent = (float(value(derived(form, setting), point)) for form in needs)
    time = work / machine[P_acc]
    kernels = value(derived(balanced.work, setting), point | {P_acc: machine[P_acc], BW_mem: machine[BW_mem]})
    rates = (machine[each] for each in (P_acc, BW_mem, M_cap, BW_Int))
    return Wanted(design, machine[B], time, float(kernels) / time, work, moved, sent, *rates)


def wanted_table(edition: Edition, models: Iterable[str], L: int) -> str:
    """One row a model: what its machine has for each byte/s of memory bandwidth, the edition's accelerator last."""
    rows = []
    for model in models:
        each = wanted_machine(**edition.system(model), L=L, slo=edition.slo)
        ratios = (with_unit(each.seconds, "s", "ms"), digits_of(1e3 * each.linked))
        rows.append((person(model), digits_of(each.batch), digits_of(each.per_byte), *ratios))
    point = Setting.of(**edition.device, link=edition.link).point
    arithmetic, memory, link = (float(point[each] / point[BW_mem]) for each in (P_acc, M_cap, BW_Int))
    has = (digits_of(arithmetic), with_unit(memory, "s", "ms"), digits_of(1e3 * link))
    rows.append((f"*{named(edition.accelerator)} has*", "", *has))
    bandwidth = with_unit(float(point[BW_mem]), "byte/s", "TB/s")
    header = ("model", "requests", "FLOP a byte", "memory over bandwidth", "link, bytes per 1,000 of memory")
    caption = (
        f"The machine that each model wants, for every byte a second of memory bandwidth: {L:,} tokens, "
        f"{with_unit(edition.slo, 's', 'ms')}, {edition.n_acc} accelerators of {bandwidth}, {edition.peak.upper()}."
    )
    return table(header, rows, caption, "tab-design", "lrrrr")
