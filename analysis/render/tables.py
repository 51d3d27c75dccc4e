"""Tables of reference, printed from the tables that the code itself reads: symbols, conventions, data rows."""

import re
from collections.abc import Iterable, Sequence

from analysis.ask.parameters import COUNT, PARAMETERS, Parameter
from analysis.ask.points import memory_bytes
from analysis.data import datasets
from analysis.data.dictionary import dictionary
from analysis.data.rows import home
from analysis.derive.symbols import MEANINGS
from analysis.render.digits import digits_of, with_unit
from analysis.render.latex import tex
from analysis.systems.quantities import evaluate

ABSENT = "–"
SPACES = re.compile(r"[ \t\r\n]+")  # not those that keep a number and its unit together
WINDOWED_CONTEXT = 32768  # tokens at which tables show what depends on the context in windowed models only


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], caption: str, name: str, align: str = "", style: str = ""
) -> str:
    """A captioned MyST table that can be referred to as `name`; `align` holds l, r or c per column.

    `style` is a class of the style sheet.

    >>> print(table(["id"], [["a|b"]], "Rows.", "tab-rows"))
    :::{table} Rows.
    :name: tab-rows
    <BLANKLINE>
    | id |
    |:---|
    | a\\|b |
    :::
    """
    marks = {"l": ":---", "r": "---:", "c": ":---:"}
    ruler = "|".join(marks[letter] for letter in (align or "l" * len(header)))
    lines = [_line(header), f"|{ruler}|", *map(_line, rows)]
    options = [f":name: {name}", *([f":class: {style}"] if style else [])]
    return "\n".join([f":::{{table}} {caption}", *options, "", *lines, ":::"])


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(cell: object) -> str:
    text = ABSENT if cell is None or cell == "" else str(cell)
    return SPACES.sub(" ", text).strip(" ").replace("|", r"\|")


def code(text: object) -> str:
    """Text set as code, or nothing; the style sheet keeps it on one line in tables."""
    return f"`{text}`" if text not in (None, "") else ""


def symbols_table() -> str:
    """Every symbol: how it is printed and typed, meaning and place in the paper, unit, Hugging Face key."""
    rows = [
        (
            f"${tex(symbol)}$",
            f'<span id="symbol-{symbol.name}"></span>{code(symbol.name)}',
            f"{about.text} ({about.paper})" if about.paper else about.text,
            "" if about.unit == "1" else about.unit,
            code(about.hugging_face),
        )
        for symbol, about in MEANINGS.items()
    ]
    header = ("symbol", "name", "meaning (and where the paper defines it)", "unit", "Hugging Face key")
    return table(header, rows, "Symbols of the study.", "tab-symbols")


def conventions_table() -> str:
    """Every parameter that `evaluate`, the notebooks and the command line accept, with its default."""
    rows = [(code(p.name), code(p.default), allowed(p), p.meaning) for p in PARAMETERS.values()]
    header = ("name", "default", "values", "meaning")
    return table(header, rows, "Parameters and conventions, their defaults and what they mean.", "tab-conventions")


def allowed(parameter: Parameter) -> str:
    """The values of a parameter in words."""
    if parameter.kind == "choice":
        return ", ".join(map(code, parameter.allowed))
    if parameter.kind == "row":
        return f"an id of {parameter.allowed[0]}"
    words = [str(value) for value in parameter.allowed if isinstance(value, str)]
    return " or ".join(["whole number" if parameter.kind == COUNT else "number", *map(code, words)])


def data_dictionary(file: str) -> str:
    """Columns of one data file: type, unit, whether required, range, meaning."""
    rows = [
        (code(e.column), "" if e.unit == "1" else e.unit, "yes" if e.required else "", e.allowed, e.meaning)
        for e in dictionary()
        if e.file == home(file)
    ]
    header = ("column", "unit", "required", "allowed", "meaning")
    return table(header, rows, f"Columns of `data/{home(file)}`.", f"tab-columns-{file}")


def models_table() -> str:
    """Every model: mechanism, year, computed and published totals, cached bytes per token."""
    rows = [_model_line(row) for row in datasets.models().values()]
    header = ("model", "attention", "parameters", "per token", "cache per token")
    caption = (
        "Models. Parameters, in all and touched per token, are computed from the dimensions (output head counted; per "
        "token the input embedding is not), the makers' totals in brackets; cached bytes at 2 bytes an element, in "
        f"models with windowed blocks the mean over a context of {WINDOWED_CONTEXT} tokens."
    )
    return table(header, rows, caption, "tab-models", "llrrr")


def _model_line(row) -> tuple:
    total, active, cached = (
        evaluate(name, model=row.id, L=WINDOWED_CONTEXT).value
        for name in ("parameters", "active_parameters", "kv_bytes_per_token")
    )
    kind = _attention(row) + (", experts" if row.n_moe else "")
    counts = _beside(total, row.published_total), _beside(active, row.published_active)
    return (f"{code(row.id)} {row.name}, {row.year}", kind, *counts, with_unit(cached, "byte", "KiB", 4))


def _attention(row) -> str:
    """Each mechanism, and where blocks differ how many have it; how far windows reach."""
    apart: dict[str, int] = {}
    for kind in row.attending:
        reach = f", {kind.window} {row.sizes_of(kind)['L_win']}" if kind.window else ""
        name = kind.attention.replace("_", " ") + reach
        apart[name] = apart.get(name, 0) + kind.blocks
    told = (name if count == row.n_dec else f"{name} in {count} of {row.n_dec}" for name, count in apart.items())
    return "; ".join(told)


def _beside(count: float, published: object) -> str:
    ours = with_unit(count, "1", "billion", 4).replace(" billion", "B")
    return f"{ours} [{published}]" if published else ours


def accelerators_table() -> str:
    """Every accelerator: peaks, memory, ridge points, link."""
    rows = [_accelerator_line(row) for row in datasets.accelerators().values()]
    header = ("accelerator", "BF16 / FP8 / FP4", "GB/s", "memory", "counted", "ridge", "link")
    caption = (
        "Accelerators: dense peaks in TFLOP/s, memory bandwidth, memory on the data sheet and as counted (the greater "
        "of that and a driver's total), BF16 ridge point in FLOP/byte."
    )
    return table(header, rows, caption, "tab-accelerators", "lrrrrrl")


def _accelerator_line(row) -> tuple:
    peaks = " / ".join(digits_of(rate, 5) if rate else ABSENT for rate in (row.P_bf16, row.P_fp8, row.P_fp4))
    memory = f"{digits_of(row.M_cap, 5)} {row.M_cap_unit}"
    counted = with_unit(memory_bytes(row), "byte", "GB", 4)
    point = digits_of(ridge(row), 5) if row.P_bf16 else None
    return (code(row.id), peaks, digits_of(row.BW_mem, 5), memory, counted, point, code(row.link))


def ridge(row) -> float:
    """Ridge point of an accelerator's 16-bit arithmetic [FLOP/byte]."""
    return evaluate("ridge_point", accelerator=row.id).value


def links_table() -> str:
    """Every interconnect: kind, bandwidth in one direction, size of one network, latency."""
    rows = [
        (code(row.id), row.name, row.kind, digits_of(row.BW_Int, 5), row.domain, row.latency, row.known)
        for row in datasets.interconnects().values()
    ]
    header = ("id", "link", "kind", "GB/s", "accelerators", "latency (µs)", "known")
    caption = "Interconnects: bandwidth per accelerator in one direction, and how many accelerators one network joins."
    return table(header, rows, caption, "tab-links", "lllrrrl")
