"""What a reader may trust to how many per cent, structures of a kernel's time that were tried, what kernels change."""

from collections.abc import Mapping
from statistics import median

from analysis.measured.leaving_out import AS_FITTED, INSTRUCTION_ROWS, structures
from analysis.measured.validate import to_fit
from analysis.render.digits import percent
from analysis.render.sensitivity_tables import loses_points
from analysis.render.tables import table
from analysis.thesis.verdict import PLAIN, UNJUDGED, Verdict, verdicts

STILL = 0.01  # of a grid: a smaller move is none
IN_WORDS = {
    "attention": "MHA and GQA, decode",
    "latent-attention": "reordered MLA, decode",
    "attention-prefill": "MHA and GQA, prefill",
    "latent-prefill": "MLA, prefill as printed",
    "latent-prefill-reordered": "MLA, prefill reordered",
    "experts": "routed experts",
    "gemm": "matrix products, BF16",
    "gemm-fp8": "matrix products, FP8",
    "exchange": "dispatch or combine",
    "all-reduce": "all-reduce in a node",
}
"""Operations of a calibration, for readers."""

TRUSTED = {
    "model": "a new model: half within",
    "model_90": "nine tenths within",
    "short": "short kernels: half within",
    "device": "a new architecture: half within",
    "roofline": "bare roofline",
}
SCORES = {"left out": "a device left out", "five folds": "both in one fit", "own": "one architecture"}
"""Columns of both tables."""


def trust_table(notes: Mapping) -> str:
    """Errors on what no fit has seen, half and nine tenths of rows within them, by operation; then of a deployment."""
    rows = [(words, *(_error(notes, kind, operation) for kind in TRUSTED)) for operation, words in IN_WORDS.items()]
    served = {"model": percent(notes["served_median"]), "model_90": percent(notes["served_90"])}
    rows.append(("a deployment's time per output token", *map(served.get, TRUSTED)))
    caption = (
        "How far a predicted time may be trusted, on the device where it is worse. Short kernels are those that the "
        "roofline sees done before a launch is; the other columns leave them aside. "
        "The last line is of deployments on H100 and B200, of which no fit saw one."
    )
    return table(("time of", *TRUSTED.values()), rows, caption, "tab-trust", "lrrrrr")


def _error(notes: Mapping, kind: str, operation: str) -> str | None:
    number = notes.get(f"{kind}_error_{operation.replace('-', '_')}")
    return None if number is None else percent(number)


def structures_table() -> str:
    """Forms of a kernel's time that were tried, each by what its fits had not seen."""
    rows = [
        (IN_WORDS[each["operation"]], each["structure"], *(percent(each[name]) for name in SCORES))
        for each in structures()
    ]
    caption = (
        "Forms of a kernel's time that were tried: median error with a device left out (on the worse one), over "
        "five folds of shapes with both devices in one fit, and with a model left out of a fit to one architecture. "
        "What is called own is in use for one architecture, and not where all share a row."
    )
    return table(("time of", "form", *SCORES.values()), rows, caption, "tab-structures", "llrrr")


def structure_error(operation: str, score: str, form: str = AS_FITTED) -> float:
    """Median error [1] of a form of a kernel's time, as the table of structures has it."""
    named = {(each["operation"], each["structure"]): each for each in structures()}
    return named[operation, form][score]


def slower_heads(heads: int, other: int, accelerator: str) -> float:
    """Time of MLA decode of some heads over that of others [1], the same requests and context; the median over rows
    that work.
    """
    rows = to_fit()
    on = (rows.operation == "MLA decode, with reordering") & (rows.accelerator == accelerator)
    found: dict[tuple, dict[int, float]] = {}
    for row in rows.rows(on & (rows.regime != "launch-bound")).table.to_pylist():
        found.setdefault((row["B"], row["L"]), {})[row["n_hd"]] = row["latency"]
    return median(each[heads] / each[other] for each in found.values() if {heads, other} <= set(each))


def measured_conclusions_table() -> str:
    """Share of its grid on which each conclusion holds, by data sheets and with measured kernels."""
    rows = [
        (sheet.conclusion.statement, percent(sheet.share), *_change(sheet, kernels))
        for sheet, kernels in zip(verdicts(PLAIN), verdicts("measured"), strict=True)
    ]
    header = ("conclusion", "holds by data sheets on", "with measured kernels on", "so kernels")
    caption = "Share of its grid on which each conclusion of {doc}`verdict` holds, and what measured kernels do to it."
    return table(header, rows, caption, "tab-measured-conclusions", "lrrl")


def _change(sheet: Verdict, kernels: Verdict) -> tuple[str | None, str]:
    if kernels.holds == UNJUDGED:
        return None, "are not known on its device"
    if loses_points(kernels, sheet):
        return None, "are known on few of its points"
    step = kernels.share - sheet.share
    return percent(kernels.share), "change nothing" if abs(step) < STILL else "widen it" if step > 0 else "narrow it"


def kernels_move() -> dict[str, object]:
    """What measured kernels do to the conclusions: how many are judged on nearly all points, turn into all or nothing,
    and stay as they were; and of the one that moves most its name and both shares [1].
    """
    pairs = zip(verdicts(PLAIN), verdicts("measured"), strict=True)
    pairs = [pair for pair in pairs if pair[1].holds != UNJUDGED and not loses_points(*reversed(pair))]
    moves = [abs(after.share - before.share) for before, after in pairs]
    before, after = pairs[moves.index(max(moves))]
    return {
        "judged": len(pairs),
        "turned": sum(before.holds != after.holds for before, after in pairs),
        "still": sum(move < STILL for move in moves),
        "most": before.conclusion.short,
        "before": before.share,
        "after": after.share,
    }


WORDS = {
    "kernels_move": kernels_move,
    "trust_table": trust_table,
    "structures_table": structures_table,
    "structure_error": structure_error,
    "slower_heads": slower_heads,
    "instruction_rows": INSTRUCTION_ROWS.get,
    "measured_conclusions_table": measured_conclusions_table,
}
"""What pages may use; to be merged into the names of analysis.book.page."""
