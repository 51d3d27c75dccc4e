"""The paper's tables beside our own: what it prints, what follows from its inputs, what the part ships with."""

from sympy import Expr, Integer

from analysis.data import datasets
from analysis.ledger.claims_table3 import TABLE_III, Entry
from analysis.ledger.findings import Finding
from analysis.ledger.ledger import ledger
from analysis.render.digits import digits_of, percent
from analysis.render.equations import ORDER_NAMES
from analysis.render.latex import WIDTHS, tex
from analysis.render.tables import code, ridge, table
from analysis.render.words import named

PAPER = "-paper"
LAYERS = {"k": "K decompression", "q_C": "K decompression", "S": "score"}
TWO_BYTES = dict.fromkeys(WIDTHS, Integer(2))


def shipped(row) -> list:
    """Rows of the same part as its maker ships it, by the beginning of the id."""
    named = row.id.removesuffix(PAPER)
    return [
        other
        for id_, other in datasets.shipped("accelerators").items()
        if other.id != row.id and f"{id_}-".startswith(f"{named}-")
    ]


def table1() -> str:
    """Table I: printed ridge points, the same recomputed from the printed inputs, and the parts as shipped."""
    rows = [_ridge_line(row) for row in datasets.shipped("accelerators").values() if row.RP_printed]
    header = ("part", "TFLOP/s", "GB/s", "ridge printed", "recomputed", "deviation", "as shipped")
    caption = "Table I of the paper: ridge points as printed, recomputed from its inputs, and of the parts as shipped."
    return table(header, rows, caption, "tab-ridge", "lrrrrrl")


def _ridge_line(row) -> tuple:
    ours, printed = ridge(row), f"{row.RP_printed:g}"
    off = "none" if agrees_in_print(ours, printed) else percent(ours / row.RP_printed - 1, 2)
    parts = ", ".join(f"{digits_of(ridge(other), 5)} ({named(other.id)})" for other in shipped(row) if other.P_bf16)
    return (short_name(row), digits_of(row.P_bf16, 5), digits_of(row.BW_mem, 5), printed, f"{ours:.2f}", off, parts)


def short_name(row) -> str:
    """A part's name without the remark that the paper prints it so."""
    return row.name.removesuffix(" as printed in the paper")


def part(accelerator: str) -> str:
    """The same by id."""
    return short_name(datasets.accelerator(accelerator))


def agrees_in_print(ours: float, printed: str) -> bool:
    """Whether our value rounds to the printed digits.

    >>> agrees_in_print(138.888, "138.89"), agrees_in_print(311.757, "320.42")
    (True, False)
    """
    decimals = len(printed.partition(".")[2])
    return f"{ours:.{decimals}f}" == f"{float(printed):.{decimals}f}"


def findings_of_table3() -> dict[str, Finding]:
    """The ledger's findings on the entries of Table III, by claim."""
    return {finding.id: finding for finding in ledger() if finding.id in TABLE_III}


def table3_number(claim: str) -> float:
    """Our number for an entry of Table III, every operand charged [FLOP/byte]."""
    return findings_of_table3()[claim].readings[0].value


def table3_fitting() -> str:
    """How many printed entries of Table III follow with every operand charged, of how many."""
    found = findings_of_table3().values()
    return f"{sum(finding.readings[0].fits for finding in found)} of {len(found)}"


def table3() -> str:
    """Table III: our intensity with every operand charged, its limit, its value for R1, and the printed entry."""
    rows = [_layer_line(TABLE_III[id_], finding) for id_, finding in findings_of_table3().items()]
    header = ("layer", "exact", "limit", "ours", "printed", "the printed value follows with")
    caption = (
        "Table III of the paper, layer by layer: our intensity with every operand charged (2-byte elements, no "
        "RoPE, no mask), its limit for endless batch and context, its value for DeepSeek-R1, the printed one."
    )
    return table(header, rows, caption, "tab-layers", "lccrrl")


def _layer_line(entry: Entry, finding: Finding) -> tuple:
    exact = entry.kernel.intensity.xreplace(entry.step).xreplace(TWO_BYTES)
    limit = entry.intensity(entry.kernel.boundary, TWO_BYTES)
    layer = f"{entry.phase}: {LAYERS[entry.makes]}, {ORDER_NAMES[entry.order]} ({code(finding.id)})"
    return (
        layer,
        _math(exact),
        _math(limit),
        digits_of(finding.readings[0].value, 4),
        finding.paper,
        _condition(entry, finding),
    )


def _math(form: Expr) -> str:
    return f"${tex(form.factor())}$"


def _condition(entry: Entry, finding: Finding) -> str:
    """What must be left out of the bytes for the printed value: the fewest operands, as the readings are ordered."""
    fitting = next((reading for reading in finding.readings if reading.fits), None)
    if fitting is None:
        return "no choice of operands"
    kept = fitting.name.removeprefix("charged: ").split(", ")
    left_out = [code(tensor.name) for tensor in entry.kernel.boundary if tensor.name not in kept]
    return f"{' and '.join(left_out)} not charged" if left_out else "every operand charged"
