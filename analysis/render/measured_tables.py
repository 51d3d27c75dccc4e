"""Tables of the chapter on measured hardware, each computed where the page is rendered."""

from functools import cache

from analysis.data.calibrations import EXPONENTS, FP8_CACHE_FACTOR, PARAMETERS, ROOFS, named
from analysis.data.dictionary import allowed_values
from analysis.derive.symbols import BY_NAME, MEANINGS
from analysis.measured.achieved import DATASHEET, rate, ridge_moves, ridges
from analysis.measured.fitting import PUBLISHED
from analysis.measured.five import Verdict, verdicts
from analysis.measured.kernel_files import achieved_rates, deployments, fitted
from analysis.measured.kernel_rows import Measurement
from analysis.measured.predict import kinds
from analysis.measured.regimes import JUDGES_BANDWIDTH
from analysis.measured.validate import compare, groups
from analysis.measured.validity import WHY
from analysis.render import words
from analysis.render.digits import digits_of, percent, with_unit
from analysis.render.tables import code, table

OPEN_MARK = "°"
SCALES = {"floor": (1e-6, " µs"), "ramp": (1e-6, " µs"), "reach": (1e-6, " µs"), "lost": (1e6, " MB")}
MOVED = ("ridge", "B_attn", "B_MoE", "B_RP")


@cache
def _verdicts() -> tuple[Verdict, ...]:
    return tuple(verdicts())


def verdicts_table() -> str:
    """The five tests: question, verdict, the numbers that decided."""
    rows = [(_typeset(each.question), f"**{each.verdict}**", _typeset(each.reason)) for each in _verdicts()]
    return table(("test", "verdict", "why"), rows, "Five tests without a fitted parameter.", "tab-measured-tests")


def _typeset(sentence: str) -> str:
    return words.named(sentence).replace("B_MoE", r"$B_\mathrm{MoE}$")


def verdict_number(test: str, name: str) -> float:
    """A number of one of the five tests, by the test's name and the number's."""
    return next(each for each in _verdicts() if each.test == test).numbers[name]


def validation_table() -> str:
    """Measured over predicted time by operation, accelerator and regime, without launch-bound rows."""
    rows = [
        (
            g.operation,
            words.named(g.accelerator),
            g.regime,
            g.count,
            *(digits_of(each) for each in (g.low, g.median, g.high)),
            *(percent(share) for share in g.within.values()),
        )
        for g in groups(compare())
        if g.regime not in ("all", "launch-bound")
    ]
    header = ("operation", "accelerator", "regime", "rows", "5 %", "median", "95 %", "within 10 %", "within 25 %")
    caption = (
        "Measured over predicted time, launch-bound rows aside: 1 is the bare roofline with data-sheet rates. One row "
        "in twenty lies below the column of 5 %, one in twenty above that of 95 %. Regimes are as predicted."
    )
    return table(header, rows, caption, "tab-validation", "lllrrrrrr")


def ridge_moves_table(model: str = "deepseek-v3", systems: int = 32) -> str:
    """Ridge point, B_attn, B_MoE, B_RP and the core's intensity over the ridge, by data sheet and as achieved."""
    rows = [
        (
            words.named(move["accelerator"]),
            move["how"],
            *(digits_of(move[name]) for name in MOVED),
            percent(move["core over ridge"], 3),
        )
        for move in ridge_moves(model, systems)
    ]
    batches = (rf"$B_\mathrm{{{name}}}$" for name in ("attn", "MoE", "RP"))
    header = ("accelerator", "rates", "ridge", *batches, "core over ridge")
    whose = f"{words.person(model)} on {systems} accelerators (BF16, decode, no tensor parallelism)"
    caption = f"Ridge points and what follows from them for {whose}."
    return table(header, rows, caption, "tab-ridge-moves", "llrrrrr")


def ridge_change(accelerator: str, how: str) -> float:
    """Achieved ridge point over the data sheet's, of one accelerator."""
    found = {(move["accelerator"], move["how"]): move["ridge"] for move in ridge_moves()}
    return found[accelerator, how] / found[accelerator, DATASHEET]


def calibration_table(name: str = PUBLISHED) -> str:
    """Fitted parameters with their intervals, those left open marked; the figure of the chapter shows the errors."""
    rows = [
        (
            f"{row.operation}, {row.architecture}" if row.architecture else row.operation,
            f"{row.rows_fitted} / {row.rows_tested}",
            *(_parameter(row, key) for key in ROOFS),
            _beside(row),
        )
        for row in named(name).values()
    ]
    low, high = FP8_CACHE_FACTOR
    rows.append(
        ("reading an FP8 cache", "0 / 0", None, f"unidentified, {low:g} to {high:g} times its bytes", None, None, None)
    )
    header = ("operation", "rows fitted / tested", "floor", "memory", "compute", "sharpness", "beside")
    caption = (
        f"Calibration `{name}`: efficiencies of memory (exchange, all-reduce: of the link) and arithmetic, with 95 % "
        "intervals; beside them tokens of a tile, time (or that of so many bytes) lost until full rates are reached "
        "and the time at which half of it is, and how often what parts pass on, or are handed, travels. "
        f"{OPEN_MARK} marks what the rows cannot identify. No row reads an FP8 cache: 1 is used, as if half of the "
        "bytes took half of the time."
    )
    return table(header, rows, caption, "tab-calibration", "lrrrrrl")


def _beside(row) -> str | None:
    """What a fitted model charges beside floor and rates, in words."""
    found = [f"{name} {_parameter(row, name)}" for name in PARAMETERS if name not in ROOFS and name in row.parameters]
    return "; ".join(found) or None


def _parameter(row, name: str) -> str | None:
    number, low, high = (getattr(row, f"{name}{side}") for side in ("", "_low", "_high"))
    if number is None:
        return None
    scale, unit = SCALES.get(name, (1, ""))
    text = f"{digits_of(number / scale)} ({digits_of(low / scale, 2)} to {digits_of(high / scale, 2)})"
    return text + unit + (OPEN_MARK if name in row.open else "")


def measured_sources_table() -> str:
    """Where the measured rows come from: rows, kernel, source, licence."""
    names = ("kernel", "source", "locator", "licence")
    parts = [(*kind.values(), len(rows)) for kind, rows in kinds(fitted(), names)]
    others = [(row.source, row.locator, row.licence) for row in (*achieved_rates().values(), *deployments().values())]
    parts += [("rates, throughputs", *each, others.count(each)) for each in sorted(set(others))]
    rows = [(kernel, count, f"{source}: {where}", licence) for kernel, source, where, licence, count in parts]
    header = ("kernel", "rows", "source, and where in it", "licence")
    return table(header, rows, "Sources of the measured figures.", "tab-measured-sources", "lrll")


def validity_table() -> str:
    """The importer's rules and what each removes."""
    return table(("rule", "removes rows that"), WHY.items(), "Rules of the importer, in order.", "tab-validity")


def burst_gain(accelerator: str) -> float:
    """Arithmetic rate of short runs over the rate at settled clocks, less one."""
    found = {ridge.how: ridge.arithmetic for ridge in ridges() if ridge.accelerator == accelerator}
    return found["burst"] / found["sustained"] - 1


def judging_bytes() -> str:
    """Bytes above which a row judges memory bandwidth."""
    return with_unit(JUDGES_BANDWIDTH, "byte", "MB")


def columns_table() -> str:
    """The schema of measurements: unit, range and meaning of each column."""
    rows = [
        (
            code(name),
            _unit(name, field),
            "yes" if field.is_required() else "",
            allowed_values(field),
            field.description or MEANINGS[BY_NAME[name]].text,
        )
        for name, field in Measurement.model_fields.items()
    ]
    header = ("column", "unit", "required", "allowed", "meaning")
    return table(header, rows, "Columns of a measurement.", "tab-columns-measurements")


def _unit(name: str, field) -> str:
    symbol = MEANINGS.get(BY_NAME.get(name))
    unit = (field.json_schema_extra or {}).get("unit") or (symbol.unit if symbol else "")
    return "" if unit == "1" else unit


def calibrated_number(key: str, name: str) -> float:
    """A fitted number of the published calibration, by the key of its row."""
    return named(PUBLISHED)[key].parameters[name]


def achieved_share(row: str) -> float:
    """An achieved rate over its data sheet's, by the row's id."""
    given = achieved_rates()[row]
    sheet = next(
        each for each in ridges(given.precision) if (each.accelerator, each.how) == (given.accelerator, DATASHEET)
    )
    return rate(given) / getattr(sheet, given.quantity)


def exponents_a_second() -> float:
    """Exponentials that an accelerator is taken to compute in a second, Blackwell Ultra aside."""
    return EXPONENTS
