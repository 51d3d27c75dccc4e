"""Data-sheet ridge points against achieved ones, and how the knees of the book move with them."""

from dataclasses import dataclass

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import roofline
from analysis.derive.symbols import BW_mem, P_acc, RP_acc, deg_EP, n_acc
from analysis.measured.devices import device_point
from analysis.measured.kernel_files import achieved_rates
from analysis.measured.kernel_rows import AchievedRate
from analysis.systems.quantities import evaluate

SCALE = {"TFLOP/s": 1e12, "GB/s": 1e9}
DATASHEET = "data sheet"


@dataclass(frozen=True)
class Ridge:
    """A ridge point [FLOP/byte] of an accelerator with the rates behind it, SI; `how` says how they are known."""

    accelerator: str
    how: str
    arithmetic: float
    traffic: float

    @property
    def ridge(self) -> float:
        """Arithmetic rate over traffic [FLOP/byte]."""
        return float(value(roofline.ridge_point(), {P_acc: self.arithmetic, BW_mem: self.traffic}))


def rate(row: AchievedRate) -> float:
    """An achieved rate in FLOP/s or byte/s."""
    return row.rate * SCALE[row.unit]


def _rates(accelerator: str, quantity: str) -> dict[str, float]:
    return {
        row.how: rate(row)
        for row in achieved_rates().values()
        if (row.accelerator, row.quantity, row.precision) == (accelerator, quantity, "bf16")
    }


def ridges(precision: str = "bf16") -> list[Ridge]:
    """Ridge points of every accelerator with achieved rates: data sheet first, then each way in which both are known.

    Sustained and burst arithmetic are kept apart, as they differ by a fifth; where a traffic rate of the same kind is
    missing, the best known one is used. The best of many rows makes a ridge only where nothing else is known.
    """
    found = []
    for name in dict.fromkeys(row.accelerator for row in achieved_rates().values()):
        point = device_point(name, precision)
        found.append(Ridge(name, DATASHEET, float(point[P_acc]), float(point[BW_mem])))
        arithmetic, traffic = (_rates(name, quantity) for quantity in ("arithmetic", "traffic"))
        ways = [how for how in arithmetic if how != "best"] or list(arithmetic)
        found += [Ridge(name, how, arithmetic[how], traffic.get(how, max(traffic.values()))) for how in ways]
    return found


def ridge_moves(model: str = "deepseek-v3", systems: int = 32) -> list[dict]:
    """The book's knees at every ridge: B_attn, B_MoE and B_RP [requests] of `systems` accelerators, and reordered
    MLA's share of the ridge at large B and L.

    Raises InputError for a model without experts.
    """
    return [
        {"accelerator": each.accelerator, "how": each.how, "ridge": each.ridge} | _knees(model, systems, each.ridge)
        for each in ridges()
    ]


def _knees(model: str, systems: int, ridge: float) -> dict[str, float]:
    setting = Setting.of(model=model, n_acc=systems)
    point = setting.point | {RP_acc: ridge}
    forms = {"B_attn": roofline.B_attn(), "B_MoE": roofline.B_MoE(), "B_RP": roofline.B_RP()}
    knees = {name: float(value(form.xreplace({deg_EP: n_acc}), point)) for name, form in forms.items()}
    intensity = evaluate("core_attention_intensity", model=model, B=64, L=2**20).value
    return knees | {"core over ridge": intensity / ridge}
