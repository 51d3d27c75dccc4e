"""Tables of the chapter on measured hardware, each computed where the page is rendered."""

from functools import cache

from analysis.evaluate.measured.achieved import DATASHEET, ridge_moves
from analysis.evaluate.measured.calibrations import PUBLISHED, named
from analysis.evaluate.measured.five import Verdict, verdicts
from analysis.evaluate.measured.load import achieved_rates, deployments, published
from analysis.evaluate.measured.predict import kinds
from analysis.evaluate.measured.validate import compare, groups
from analysis.evaluate.measured.validity import WHY
from analysis.render.digits import digits_of, percent, with_unit
from analysis.render.tables import code, table

OPEN_MARK = "°"


@cache
def _verdicts() -> tuple[Verdict, ...]:
    return tuple(verdicts())


def verdicts_table() -> str:
    """The five tests: question, verdict, the numbers that decided."""
    rows = [(each.question, f"**{each.verdict}**", each.reason) for each in _verdicts()]
    return table(("test", "verdict", "why"), rows, "Five tests without a fitted parameter.", "tab-measured-tests")


def verdict_number(test: str, name: str) -> float:
    """A number of one of the five tests, by the test's name and the number's."""
    return next(each for each in _verdicts() if each.test == test).numbers[name]


def validation_table() -> str:
    """Measured over predicted time by operation, accelerator and regime."""
    rows = [
        (g.operation, code(g.accelerator), g.regime, g.count, digits_of(g.median), f"{digits_of(g.low)} to {digits_of(g.high)}",
         *(percent(share) for share in g.within.values()))
        for g in groups(compare()) if g.regime != "all"
    ]  # fmt: skip
    header = ("operation", "accelerator", "regime", "rows", "median", "5 to 95 %", "within 10 %", "within 25 %")
    caption = "Measured over predicted time: 1 is the bare roofline with data-sheet rates. Regimes are those of the prediction."
    return table(header, rows, caption, "tab-validation", "lllrrrrr")


def ridge_moves_table(model: str = "deepseek-v3", systems: int = 32) -> str:
    """Ridge point, B_attn, B_MoE, B_RP and the core's intensity over the ridge, by data sheet and as achieved."""
    rows = [
        (code(move["accelerator"]), move["how"], *(digits_of(move[name]) for name in ("ridge", "B_attn", "B_MoE", "B_RP")),
         percent(move["core over ridge"], 3))
        for move in ridge_moves(model, systems)
    ]  # fmt: skip
    header = ("accelerator", "rates", "ridge", "$B_{attn}$", "$B_{MoE}$", "$B_{RP}$", "core over ridge")
    caption = f"Ridge points and what follows from them for {code(model)} on {systems} accelerators (BF16, decode, deg_TP 1)."
    return table(header, rows, caption, "tab-ridge-moves", "llrrrrr")


def ridge_change(accelerator: str, how: str) -> float:
    """Achieved ridge point over the data sheet's, of one accelerator."""
    found = {(move["accelerator"], move["how"]): move["ridge"] for move in ridge_moves()}
    return found[accelerator, how] / found[accelerator, DATASHEET]


def calibration_table(name: str = PUBLISHED) -> str:
    """Fitted parameters with their intervals, those left open marked, and errors on held-out rows."""
    rows = [
        (row.operation, *(_parameter(row, key) for key in ("floor", "memory_efficiency", "compute_efficiency", "sharpness")),
         f"{row.rows_fitted} / {row.rows_tested}", percent(row.error), percent(row.error_constant), percent(row.error_roofline))
        for row in named(name).values()
    ]  # fmt: skip
    header = ("operation", "floor", "memory", "compute", "sharpness", "rows fitted / tested", "error", "one efficiency", "roofline")
    caption = (f"Calibration `{name}`: parameters with 95 % intervals, and median errors on held-out rows. {OPEN_MARK} marks what "
               "the rows cannot identify. For exchanges, memory stands for the link.")  # fmt: skip
    return table(header, rows, caption, "tab-calibration", "lrrrrrrrr")


def _parameter(row, name: str) -> str | None:
    number, low, high = (getattr(row, f"{name}{side}") for side in ("", "_low", "_high"))
    if number is None:
        return None
    scale = 1e-6 if name == "floor" else 1
    text = f"{digits_of(number / scale)} ({digits_of(low / scale, 2)} to {digits_of(high / scale, 2)})"
    return text + (" µs" if name == "floor" else "") + (OPEN_MARK if name in row.open else "")


def measured_sources_table() -> str:
    """Where the measured rows come from: rows, kernel, source, licence."""
    parts = [(kind["kernel"], len(rows), code(kind["source"]), kind["locator"], kind["licence"])
             for kind, rows in kinds(published(), ("kernel", "source", "locator", "licence"))]  # fmt: skip
    others = (*achieved_rates().values(), *deployments().values())
    rest = {(row.source, row.locator, row.licence) for row in others}
    parts += [("rates and throughputs", sum((r.source, r.locator, r.licence) == each for r in others), code(each[0]), *each[1:])
              for each in sorted(rest)]  # fmt: skip
    header = ("kernel", "rows", "source", "where in it", "licence")
    return table(header, parts, "Sources of the measured figures.", "tab-measured-sources", "lrlll")


def validity_table() -> str:
    """The importer's rules and what each removes."""
    return table(("rule", "removes rows that"), WHY.items(), "Rules of the importer, in order.", "tab-validity")


def floor(operation: str) -> str:
    """The calibrated launch floor of an operation as text."""
    return with_unit(named(PUBLISHED)[operation].floor, "s", "us", 2)


NAMES = {
    "verdicts_table": verdicts_table,
    "verdict_number_of": verdict_number,
    "validation_table": validation_table,
    "ridge_moves_table": ridge_moves_table,
    "ridge_change": ridge_change,
    "calibration_table": calibration_table,
    "measured_sources_table": measured_sources_table,
    "validity_table": validity_table,
    "launch_floor": floor,
}
"""What pages may use; to be merged into the names of analysis.render.page."""
