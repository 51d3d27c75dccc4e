"""How DP, TP and EP lay a model out: which heads, which experts and which requests each accelerator holds."""

from collections.abc import Sequence

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.derive.symbols import deg_DP, deg_EP, deg_ETP, deg_TP, n_acc
from analysis.render.axes import Rows, headline, in_columns, layer_colour, mechanism_colour, those
from analysis.render.style import WIDTH
from analysis.render.words import person
from analysis.thesis.full import whole_batch

HEADS, EXPERTS, HIDDEN, REQUESTS = "heads", "experts", "FFN", "requests"


def layout_rows(settings: Sequence[Setting]) -> Rows:
    """One row per model, kind of part and accelerator: the first and last part held (from 1), and how many there are.

    Requests are those of a full memory at the setting's L. Raises InputError for a missing size.
    """
    rows = []
    for setting in settings:
        for part, (count, pieces, whose) in _parts(setting).items():
            for each in range(int(setting.point[n_acc])):
                piece, size = whose(each), count / pieces
                rows.append((setting.model.id, part, each + 1, piece * size + 1, (piece + 1) * size, count))
    return in_columns(("model", "part", "accelerator", "first", "last", "count"), rows)


def _parts(setting: Setting) -> dict[str, tuple]:
    """For each kind of part: how many, in how many pieces, and which piece (from 0) an accelerator (from 0) has."""
    TP, DP, EP, ETP = (int(setting.point[symbol]) for symbol in (deg_TP, deg_DP, deg_EP, deg_ETP))
    row = setting.model
    experts = {EXPERTS: (row.n_e, EP, lambda each: divmod(each // ETP, EP)[1])} if row.n_moe else {}
    hidden = {} if row.n_moe else {HIDDEN: (row.d_FFN, TP, lambda each: divmod(each, TP)[1])}
    batch = int(whole_batch(setting, setting["L"]))
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
    own = those(rows, model=setting.model.id, part=part)
    count = own["count"][0]
    colours = {HEADS: mechanism_colour(setting), EXPERTS: layer_colour("routed", setting)}
    colours |= {HIDDEN: layer_colour("dense", setting), REQUESTS: "#444444"}
    look = {"color": colours[part], "edgecolor": colours[part], "linewidth": 0.4}
    for place, first, last in zip(own["accelerator"], own["first"], own["last"], strict=True):
        axes.bar(place, last - (first - 1), 1.0, bottom=first - 1, **look)
    held = own["last"][0] - own["first"][0] + 1
    axes.set_title(f"{part}: {_many(held, count)}")
    axes.set(xlim=(0.3, len(own["part"]) + 0.7), ylim=(max(1, count), 0), xticks=(1, len(own["part"])))
    axes.set_yticks((0, max(1, count)), ("1", f"{count:,}"))
    axes.grid(visible=False)


def _many(held: float, count: int) -> str:
    return "all" if held == count else f"{held:,.0f} each"


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
        "are spread."
    )
    return caption, f"Bars over accelerators. {'; '.join(_told(each, rows) for each in settings)}."


def _told(setting: Setting, rows: Rows) -> str:
    cells = zip(*rows.values(), strict=True)
    of_first = [row for row in cells if row[0] == setting.model.id and row[2] == 1]
    held = [f"{part} {_many(last - first + 1, count)} of {count:,}" for _, part, _, first, last, count in of_first]
    return f"{person(setting.model.id)}: {', '.join(held)}"
