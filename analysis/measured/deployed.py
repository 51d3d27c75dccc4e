"""Published decode throughputs of deployments against predicted TPOT, serial and with communication hidden."""

from dataclasses import dataclass

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.symbols import B
from analysis.measured.kernel_files import deployments
from analysis.measured.kernel_rows import Deployment
from analysis.systems import system

READINGS = {
    "BF16 throughout": {"peak": "bf16", "width": 2},
    "FP8 except the cache": {"peak": "fp8", "width": 1, "width_kv": 2},
}
"""The deployments mix both (FP8 products and dispatch, BF16 attention and combine): their roofline lies between."""

OVERLAPS = ("none", "comm")


@dataclass(frozen=True)
class EndToEnd:
    """A published throughput [token/s per accelerator] beside a prediction, and times per output token [s]."""

    deployment: str
    reading: str
    overlap: str
    requests: float
    published: float
    predicted: float
    published_tpot: float
    predicted_tpot: float

    @property
    def ratio(self) -> float:
        """Published over predicted throughput: the share of the roofline that the deployment attains."""
        return self.published / self.predicted


def requests(row: Deployment) -> float:
    """Requests decoded together per accelerator: as published, else throughput over speed (Little's law)."""
    return row.requests or row.throughput / row.speed


def end_to_end() -> list[EndToEnd]:
    """Every published deployment under each reading, serial and with communication hidden."""
    return [
        _one(row, reading, overlap) for row in deployments().values() for reading in READINGS for overlap in OVERLAPS
    ]


def _one(row: Deployment, reading: str, overlap: str) -> EndToEnd:
    together = requests(row)
    setting = Setting.of(
        model=row.model,
        accelerator=row.accelerator,
        link=row.link,
        link_between=row.link_between,
        group=row.group,
        n_acc=row.deg_EP,
        L=row.L,
        overlap=overlap,
        **READINGS[reading],
    )
    # Degrees are not checked: 144 accelerators hold 256 experts and 32 copies, read here as 256/144 experts on each.
    tpot = float(value(system.tpot(setting), setting.point | {B: together * row.deg_EP}))
    return EndToEnd(
        row.id, reading, overlap, together, row.throughput, together / tpot, together / row.throughput, tpot
    )
