"""Claims about accelerators and links: Table I's ridge points (C001 to C010) and NVLink (C072)."""

from functools import partial
from itertools import permutations

from analysis.data import datasets
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.readings import AT_LEAST, AT_MOST, NO_MORE, Paper, holds
from analysis.systems.quantities import evaluate, quantity

RIDGE = quantity("ridge_point").label
FIGURE = "fig-intensity-batch"  # its bands are the ridge points
TABLE_I = {
    "C001": "v100-paper",
    "C002": "a100-paper",
    "C003": "h200-paper",
    "C004": "b200-paper",
    "C005": "tpu-v5p-paper",
    "C006": "tpu-v7-paper",
    "C007": "mi325x-paper",
}


def _ridge(accelerator: str) -> float:
    return evaluate("ridge_point", accelerator=accelerator).value


def _printed_ridge(paper: Paper, accelerator: str) -> Judgement:
    """Table I prints both the inputs and the ridge, so one that does not follow from them is its error."""
    row, ours = datasets.accelerator(accelerator), _ridge(accelerator)
    as_printed = paper.reading("printed arithmetic over printed bandwidth", ours, own=True)
    implied = row.BW_mem * ours / paper.numbers[0].value
    if as_printed.fits:
        reason = f"{row.P_bf16:g} TFLOP/s over {row.BW_mem:g} GB/s is {ours:.2f} FLOP/byte."
    else:
        reason = (
            f"{row.P_bf16:g} TFLOP/s over the printed {row.BW_mem:g} GB/s is {ours:.2f} FLOP/byte; the printed "
            f"ridge belongs to a bandwidth of {implied:.0f} GB/s."
        )
    return Judgement((as_printed, *_as_shipped(paper, row)), reason, "FLOP/byte", RIDGE, FIGURE)


def _as_shipped(paper: Paper, printed_row) -> list:
    """The ridge of rows for the same part with another bandwidth, where Table I's own does not give the printed one."""
    if paper.numbers[0].fits(_ridge(printed_row.id)):
        return []
    twins = [
        row
        for row in datasets.accelerators().values()
        if row.P_bf16 == printed_row.P_bf16 and row.BW_mem != printed_row.BW_mem
    ]
    return [paper.reading(f"bandwidth of {row.id}, {row.BW_mem:g} GB/s", _ridge(row.id)) for row in twins]


for _id, _accelerator in TABLE_I.items():
    claim(_id)(partial(_printed_ridge, accelerator=_accelerator))


@claim("C008")
def _b200_over_v100(paper: Paper) -> Judgement:
    new, old = datasets.accelerator("b200-paper"), datasets.accelerator("v100-paper")
    arithmetic, ridge = new.P_bf16 / old.P_bf16, _ridge(new.id) / _ridge(old.id)
    reason = (
        f"Arithmetic grows {arithmetic:.4g} times, the ridge {ridge:.4g} times, because bandwidth grows nearly as fast."
    )
    return Judgement((paper.reading("Table I as printed", arithmetic, ridge, own=True),), reason, "1", RIDGE, FIGURE)


def _growth(pairs) -> tuple[float, float]:
    """The largest growth of arithmetic and of the ridge from an older to a newer accelerator."""
    pairs = list(pairs)
    return max(new.P_bf16 / old.P_bf16 for old, new in pairs), max(
        _ridge(new.id) / _ridge(old.id) for old, new in pairs
    )


@claim("C009")
def _largest_improvement(paper: Paper) -> Judgement:
    rows = [row for row in datasets.accelerators().values() if row.RP_printed]
    pairs = [(old, new) for old, new in permutations(rows, 2) if new.year >= old.year]
    ours = _growth([(datasets.accelerator("v100-paper"), datasets.accelerator("b200-paper"))])
    every, within = _growth(pairs), _growth((old, new) for old, new in pairs if old.vendor == new.vendor)
    readings = (
        holds("among all pairs of Table I", every, *map(NO_MORE, every, ours), own=True),
        holds("among pairs of one maker", within, *map(NO_MORE, within, ours)),
    )
    reason = (
        f"From V100 to B200 arithmetic grows {ours[0]:.4g} times and the ridge {ours[1]:.4g} times, the most "
        f"within one maker's line, while across makers Table I reaches {every[0]:.4g} and {every[1]:.4g} times."
    )
    return Judgement(readings, reason, "1", RIDGE, FIGURE)


@claim("C010")
def _contemporary_range(paper: Paper) -> Judgement:
    low, high = (number.value for number in paper.numbers)

    def span(name: str, rows):
        ridges = [_ridge(row.id) for row in rows if row.P_bf16]
        return holds(name, (min(ridges), max(ridges)), AT_LEAST(min(ridges), low), AT_MOST(max(ridges), high))

    table = [row for row in datasets.accelerators().values() if row.RP_printed]
    readings = (
        span("all of Table I", table),
        span("Table I, parts since 2023", (row for row in table if row.year >= 2023)),
        span("Table I, parts since 2024", (row for row in table if row.year >= 2024)),
    )
    reason = (
        f"Which parts are contemporary the paper does not say: those of Table I since 2024 lie between "
        f"{readings[2].value[0]:.0f} and {readings[2].value[1]:.0f} FLOP/byte; with the TPU v5p of 2023 the range "
        f"begins at {readings[1].value[0]:.0f}, and all of Table I at {readings[0].value[0]:.0f}."
    )
    return Judgement(readings, reason, "FLOP/byte", RIDGE, FIGURE)


@claim("C072")
def _nvlink(paper: Paper) -> Judgement:
    row = datasets.interconnect("nvlink5-b200")
    readings = (
        paper.reading("both directions", row.BW_Int_two_way / 1000),
        paper.reading("one direction", row.BW_Int / 1000),
    )
    reason = (
        f"The link carries {row.BW_Int:g} GB/s each way, {row.BW_Int_two_way:g} GB/s both ways together; transfers "
        "are timed with the rate of one direction."
    )
    return Judgement(readings, reason, "TB/s", quantity("all_to_all_time").label)
