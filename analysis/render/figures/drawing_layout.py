"""How DP, TP and EP lay a model out: which heads, which experts and which requests each accelerator holds."""

from collections.abc import Sequence

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.symbols import deg_DP, deg_EP, deg_ETP, deg_TP, n_acc
from analysis.render.axes import headline, layer_colour, mechanism_colour
from analysis.render.digits import digits_of
from analysis.render.style import WIDTH
from analysis.render.words import person
from analysis.thesis.full import batch_at_capacity

Rows = dict[str, list]
HEADS, EXPERTS, HIDDEN, REQUESTS = "heads", "experts", "FFN", "requests"


def layout_rows(settings: Sequence[Setting]) -> Rows:
    """One row per model, kind of part and accelerator: the first and last part held (from 1), and how many there are.

    Requests are those of a full memory at the setting's L. Raises InputError for a missing size.
    """
    found: Rows = {name: [] for name in ("model", "part", "accelerator", "first", "last", "count")}
    for setting in settings:
        for part, (count, pieces, whose) in _parts(setting).items():
            for each in range(int(setting.point[n_acc])):
                piece, size = whose(each), count / pieces
                cells = (setting.model.id, part, each + 1, piece * size + 1, (piece + 1) * size, count)
                for column, cell in zip(found.values(), cells, strict=True):
                    column.append(cell)
    return found


def _parts(setting: Setting) -> dict[str, tuple]:
    """For each kind of part: how many, in how many pieces, and which piece (from 0) an accelerator (from 0) has."""
    TP, DP, EP, ETP = (int(setting.point[symbol]) for symbol in (deg_TP, deg_DP, deg_EP, deg_ETP))
    row = setting.model
    experts = {EXPERTS: (row.n_e, EP, lambda each: divmod(each // ETP, EP)[1])} if row.n_moe else {}
    hidden = {} if row.n_moe else {HIDDEN: (row.d_FFN, TP, lambda each: divmod(each, TP)[1])}
    batch = max(0.0, float(batch_at_capacity(setting, setting["L"])))
    return {
        HEADS: (row.n_hd, TP, lambda each: divmod(each, TP)[1]),
        **experts,
        **hidden,
        REQUESTS: (batch, DP, lambda each: each // TP),
    }


def layout_figure(settings: Sequence[Setting], rows: Rows) -> Figure:
    """A column per model and a row per kind of part; in each, a bar per accelerator over the parts that it holds."""
    figure, every = pyplot.subplots(3, len(settings), figsize=(WIDTH, 4.5), squeeze=False, sharex="col")
    for column, setting in zip(every.T, settings, strict=True):
        for axes, part in zip(column, _parts(setting), strict=True):
            _panel(axes, setting, rows, part)
        TP, DP = (int(setting.point[symbol]) for symbol in (deg_TP, deg_DP))
        more = f", EP {int(setting.point[deg_EP])}" if setting.model.n_moe else ""
        column[0].set_title(f"{person(setting.model.id)}\nTP {TP}, DP {DP}{more}\n{column[0].get_title(loc='left')}")
        column[-1].set_xlabel("accelerator")
    headline(figure, _finding(settings))
    return figure


def _panel(axes: Axes, setting: Setting, rows: Rows, part: str) -> None:
    chosen = [n for n, each in enumerate(rows["part"]) if each == part and rows["model"][n] == setting.model.id]
    count = rows["count"][chosen[0]]
    colours = {HEADS: mechanism_colour(setting), EXPERTS: layer_colour("routed", setting)}
    colours |= {HIDDEN: layer_colour("dense", setting), REQUESTS: "#444444"}
    for n in chosen:
        first, last = rows["first"][n] - 1, rows["last"][n]
        axes.bar(
            rows["accelerator"][n],
            last - first,
            1.0,
            bottom=first,
            color=colours[part],
            edgecolor=colours[part],
            linewidth=0.4,
        )
    held = rows["last"][chosen[0]] - rows["first"][chosen[0]] + 1
    axes.set_title(f"{part}: {_many(held, count)}")
    axes.set(xlim=(0.3, len(chosen) + 0.7), ylim=(max(1, count), 0), xticks=(1, len(chosen)))
    axes.set_yticks((0, max(1, count)), ("1", _all(count)))
    axes.grid(visible=False)


def _all(count: float) -> str:
    """How many there are; requests, which no one counts to the last, to three digits."""
    return f"{count:,}" if isinstance(count, int) else digits_of(count)


def _many(held: float, count: float) -> str:
    each = f"{held:,.0f}" if isinstance(count, int) else digits_of(held)
    return "all" if held == count else f"{each} each"


def _finding(settings: Sequence[Setting]) -> str:
    named: dict[str, list[str]] = {}
    for each in settings:
        named.setdefault(_cut(int(each.point[deg_TP])), []).append(person(each.model.id))
    listed = [f"attention of {' and '.join(names)} {cut}" for cut, names in named.items()]
    return f"On {settings[0]['n_acc']} accelerators {', '.join(listed)}"


def _cut(TP: int) -> str:
    return "stays whole" if TP == 1 else f"is cut over groups of {TP}"


def describe_layout(settings: Sequence[Setting], rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Which heads, experts and requests each of {settings[0]['n_acc']} {settings[0].accelerator.name} holds, with "
        f"memory full at L = {settings[0]['L']}. TP, DP and EP say over how many heads, requests and experts "
        "are spread; a request that fits in part is counted in part."
    )
    return caption, f"Bars over accelerators. {'; '.join(_told(each, rows) for each in settings)}."


def _told(setting: Setting, rows: Rows) -> str:
    cells = zip(*rows.values(), strict=True)
    of_first = [row for row in cells if row[0] == setting.model.id and row[2] == 1]
    held = [f"{part} {_many(last - first + 1, count)} of {_all(count)}" for _, part, _, first, last, count in of_first]
    return f"{person(setting.model.id)}: {', '.join(held)}"
