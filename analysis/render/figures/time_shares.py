"""Where the time of a token goes, on faster and slower networks: the shares of the paper's Fig. 10."""

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.ask.setting import Setting
from analysis.derive.serving import COMMUNICATION
from analysis.render.axes import LAYER_COLOURS, Rows, headline, in_columns, mechanism_colour, rounded, those
from analysis.render.marks import LOOKS
from analysis.render.style import COLOURS, WIDTH
from analysis.render.words import conventions, term_words
from analysis.systems import system
from analysis.systems.grids import CAPACITY, capacities, terms_over

TERM_COLOURS = {
    "attention_projections": LAYER_COLOURS["projections"],
    "kv_decompression": LAYER_COLOURS["decompression"],
    "dense_ffn": LAYER_COLOURS["dense"],
    "routed_experts": LAYER_COLOURS["routed"],
    "shared_expert": LAYER_COLOURS["shared"],
    "router": "#88CCEE",
    "residual_streams": LAYER_COLOURS["streams"],
    "output_head": "#BBBBBB",
    "dispatch": COLOURS["communication"],
    "combine": "#FFFFFF",
    "all_reduce": "#FFFFFF",
}
HATCHES = {"combine": "////", "all_reduce": r"\\\\"}  # wires are black, and told apart by hatching
USED = ("accelerator", "n_acc", "deg_TP", "deg_EP", "phase", "order", "grouping", "width", "peak", "overlap", "alpha")
Networks = Mapping[str, Setting]


def first_two(networks: Networks) -> Networks:
    """The networks that share the fast link: everywhere, and inside groups."""
    return dict(list(networks.items())[:2])


def time_share_rows(networks: Networks, batches: np.ndarray, contexts: np.ndarray) -> Rows:
    """One row per network, context, batch and term that the model has: time [s], share of TPOT [1], whether the batch
    fits memory."""
    rows = []
    for network, setting in networks.items():
        for L in contexts.tolist():
            terms = terms_over(setting, batches, L)
            total, fits = sum(terms.values()), batches <= capacities(setting, [L])[0]
            for term in (name for name, form in system.terms(setting).items() if form != 0):
                columns = (each.tolist() for each in (batches, terms[term], terms[term] / total, fits))
                rows += [(network, L, B, term, *cells) for B, *cells in zip(*columns, strict=True)]
    return in_columns(("network", "L", "B", "term", "time", "share", "fits"), rows)


def time_share_figure(networks: Networks, rows: Rows) -> Figure:
    """Stacked shares of TPOT over the batch, a row of panels per network, a column per context; TPOT in ms above."""
    contexts = list(dict.fromkeys(rows["L"]))
    figure = pyplot.figure(figsize=(WIDTH, 1.9 + 1.7 * len(networks)))
    parts = np.atleast_1d(figure.subfigures(len(networks), height_ratios=[1] * (len(networks) - 1) + [1.45]))
    for part, (name, setting) in zip(parts, networks.items(), strict=True):
        part.suptitle(name, fontsize=10, x=0.01, ha="left")
        line = part.subplots(1, len(contexts), sharey=True, squeeze=False)[0]
        for axes, L in zip(line, contexts, strict=True):
            _bars(axes, setting, rows, name, L)
            axes.set_title(f"L = {L:.0f}", pad=14)
            axes.tick_params(labelbottom=part is parts[-1])
            axes.set_xlabel("requests together B" if part is parts[-1] else "")
        line[0].set_ylabel("share of TPOT")
    _share_legend(figure, next(iter(networks.values())), rows)
    headline(figure, _share_title(rows))
    return figure


def _bars(axes: Axes, setting: Setting, rows: Rows, network: str, L: float) -> None:
    batches = list(dict.fromkeys(rows["B"]))
    below, total = np.zeros(len(batches)), np.zeros(len(batches))
    for term in dict.fromkeys(rows["term"]):
        own = those(rows, network=network, L=L, term=term)
        shares = np.array(own["share"])
        axes.bar(range(len(batches)), shares, 0.85, bottom=below, **_look(term, setting))
        below += shares
        total += np.array(own["time"])
    for place, (time, fit) in enumerate(zip(total, own["fits"], strict=True)):
        axes.text(place, 1.02, rounded(time * 1e3, 2 if time < 0.1 else 3), ha="center")
        if not fit:
            axes.bar(place, 1, 0.85, linewidth=0, alpha=0.85, **LOOKS[CAPACITY])
    axes.set_xticks(range(len(batches)), [f"{B:.0f}" for B in batches], rotation=45)
    axes.set(ylim=(0, 1))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.grid(False)


def _look(term: str, setting: Setting) -> dict:
    colour = TERM_COLOURS.get(term) or mechanism_colour(setting)
    return {"facecolor": colour, "hatch": HATCHES.get(term), "edgecolor": "black", "linewidth": 0.3}


def _share_legend(figure: Figure, setting: Setting, rows: Rows) -> None:
    largest = {term: max(those(rows, term=term)["share"]) for term in dict.fromkeys(rows["term"])}
    present = [term for term, share in largest.items() if share > 0]
    handles = [Patch(label=term_words(term, setting), **_look(term, setting)) for term in present]
    unfit = [] if all(rows["fits"]) else [Patch(linewidth=0, label="does not fit memory", **LOOKS[CAPACITY])]
    figure.legend(handles=handles + unfit, loc="outside lower center", ncols=3, title="TPOT in ms above each bar")


def wire_shares(rows: Rows) -> dict[str, float]:
    """Largest share of TPOT that communication takes on each network, over batches that fit memory (all, if none)."""
    pairs = set(zip(rows["network"], rows["L"], rows["B"], rows["fits"], strict=True))
    found = dict.fromkeys(rows["network"], 0.0)
    for network, L, B, fits in pairs:
        if fits or not any(rows["fits"]):
            own = those(rows, network=network, L=L, B=B)
            wires = (share for term, share in zip(own["term"], own["share"], strict=True) if term in COMMUNICATION)
            found[network] = max(found[network], sum(wires))
    return found


def _share_title(rows: Rows) -> str:
    listed = "; ".join(f"{share:.0%} with {network}" for network, share in wire_shares(rows).items())
    return f"Communication takes up to {listed}"


def describe_time_shares(networks: Networks, rows: Rows) -> tuple[str, str]:
    """Caption and alternative text."""
    setting = next(iter(networks.values()))
    caption = (
        f"Share of each term in the time per output token of {setting.model.name}, over batch and context, on each "
        f"network; the time itself in ms above the bar. {conventions(setting, *USED)}."
    )
    listed = "; ".join(f"{network}: at most {share:.0%}" for network, share in wire_shares(rows).items())
    return caption, f"Stacked bars. Share of communication where the batch fits memory: {listed}."


def time_share_notes(rows: Rows) -> dict[str, float]:
    """Numbers for the book: the largest share of wires on one level and on two."""
    one_level, between = wire_shares(rows).values()
    return {"wire_share_one_level": one_level, "wire_share_between_groups": between}
