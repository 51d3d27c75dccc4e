"""Every figure of the book: legible on a phone, told apart by every eye, its finding in words and numbers, its data.

The notebooks' cells run here as they stand, and `show` keeps the figure for inspection.
"""

import io
import re
from functools import cache

import numpy as np
import pytest
from matplotlib import colormaps, pyplot
from matplotlib.colors import LinearSegmentedColormap

from analysis.ask.setting import Setting
from analysis.derive.attention import MECHANISMS
from analysis.render import style
from analysis.render.axes import LAYER_COLOURS
from analysis.render.figures.roofline import roofline_points
from analysis.render.words import named
from tests.notebooks import EVERY, executed
from tests.render.figure_colours import LEAST as APART
from tests.render.figure_colours import SIMULATED, alike, distance, heat_maps, lab, misleading
from tests.render.figure_layout import LEAST as LEGIBLE
from tests.render.figure_layout import collisions, covered, letters, natural_width, struck, texts


def faults(figure, label, caption, alt, **_):
    """Everything that a reader would stumble over, in words."""
    figure.draw_without_rendering()
    size, finding = letters(figure), figure.get_suptitle()
    found = [] if size >= LEGIBLE else [f"letters of {size:.1f} pixels on a phone"]
    found += [each for axes in figure.axes for each in alike(axes)]
    found += [each for mesh in heat_maps(figure) for each in misleading(mesh)]
    found += [*collisions(figure), *covered(figure), *struck(figure)]
    found += [f"{text.get_text()!r} has an id" for text in texts(figure) if text.get_text() != named(text.get_text())]
    found += [] if any(map(str.isdigit, finding)) else [f"the finding {finding!r} has no number"]
    alt = alt.removeprefix(" ".join(finding.split()))
    found += [] if sum(map(str.isdigit, alt)) > 2 else [f"the alternative text {alt!r} has no numbers"]
    found += ["a number is not one"] if re.search(r"\bnan\b", f"{finding} {caption} {alt}") else []
    return [f"{label}: {each}" for each in found]


@cache
def by_default(name):
    """What a reader would stumble over in the notebook's figures, its notes, and the figures by their labels."""
    drawn = []
    shown, notes = executed(name, drawn=drawn)
    found = [fault for figure, each in zip(drawn, shown.values(), strict=True) for fault in faults(figure, **each)]
    for figure in drawn:
        pyplot.close(figure)
    return found, notes, dict(zip(shown, drawn, strict=True))


@pytest.mark.parametrize("name", EVERY)
def test_figures_can_be_read(name):
    found, *_ = by_default(name)
    assert not found, "\n".join(found)


def test_the_notes_of_the_papers_systems_are_those_of_hand_arithmetic():
    notes = {key: value for name in EVERY for key, value in by_default(name)[1].items()}
    assert notes["experts_B_MoE"] == 9000
    assert notes["share_as_printed_decompression"] == pytest.approx(0.59, abs=0.005)
    assert notes["crossing_flops"] == pytest.approx(163.84)
    assert notes["measured_rows"] == 481
    assert notes["frontier_most_model"] == "deepseek-v3"
    assert notes["throughput_lost_everywhere"] > notes["throughput_lost_between_groups"] > 0.3
    assert notes["scale_out_gain_slow_short"] < 1 < notes["scale_out_gain_fast_long"]
    assert 5 < notes["skew_imbalance_ratio"] < 7
    assert 30 < notes["device_break_even_tokens"] < 35
    assert notes["thesis_device_first_speed"] == 4  # four times the bandwidth, both waiting for memory
    assert notes["thesis_balance_groups"] == 256 / 8


# -- the checks find what is planted -----------------------------------------------------------------
@pytest.fixture
def axes():
    style.use()
    figure, drawn = pyplot.subplots(figsize=(style.WIDTH, 3))
    yield drawn
    pyplot.close(figure)


def test_red_and_green_of_equal_lightness_are_found_unless_dashed(axes):
    axes.plot([0, 1], [0, 1], color="#B35A00")
    axes.plot([0, 1], [1, 0], color="#7F7F00")
    assert len(list(alike(axes))) == 1
    axes.lines[0].set_linestyle("--")
    assert not list(alike(axes))


def test_bars_of_like_colours_are_found_unless_hatched(axes):
    bars = axes.bar([0, 1], [1, 2], color=["#882255", "#666666"])
    assert distance("#882255", "#666666") < APART
    assert len(list(alike(axes))) == 1
    bars[0].set_hatch("//")
    assert not list(alike(axes))


def test_small_letters_and_collisions_and_covered_points_are_found(axes):
    figure, target = axes.figure, io.StringIO()
    axes.plot([0, 1], [0, 1], label="rising")
    figure.canvas.draw()
    assert letters(figure) >= LEGIBLE
    axes.text(0.5, 0.2, "one text", fontsize=5)
    assert letters(figure) < LEGIBLE
    figure.savefig(target, format="svg")
    saved = float(re.search(r'width="([\d.]+)pt"', target.getvalue())[1])
    assert natural_width(figure) == pytest.approx(saved, rel=0.01)
    assert not list(collisions(figure))
    axes.text(0.5, 0.2, "another text")
    assert len(list(collisions(figure))) == 1
    axes.legend(loc="upper left")
    figure.canvas.draw()
    assert not list(covered(figure))
    axes.legend(loc="upper right")
    figure.canvas.draw()
    assert len(list(covered(figure))) == 1


def test_letters_on_lines_and_against_marks_are_found_unless_paper_lies_between(axes):
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axvline(0.5, zorder=0)
    text = axes.text(0.5, 0.5, "216", ha="center")
    assert len(list(struck(axes.figure))) == 1
    text.set_bbox(style.PAPER)
    assert not list(struck(axes.figure))
    axes.plot(0.2, 0.5, "s", markersize=7)
    label = axes.annotate("4.9", (0.2, 0.5), (-3, 0), textcoords="offset points", ha="right", va="center")
    axes.figure.draw_without_rendering()
    assert len(list(struck(axes.figure))) == 1, "it touches the square"
    label.xyann = (-7, 0)
    axes.figure.draw_without_rendering()
    assert not list(struck(axes.figure))


def test_a_rainbow_misleads_and_a_ramp_does_not(axes):
    values = np.arange(4.0).reshape(2, 2)
    assert not list(misleading(axes.pcolormesh(values, cmap=colormaps["Greens"])))
    assert list(misleading(axes.pcolormesh(values, cmap=colormaps["jet"])))
    twins = LinearSegmentedColormap.from_list("twins", ["#B35A00", "#FFFFFF", "#7F7F00"])
    assert any("ends look alike" in each for each in misleading(axes.pcolormesh(values, cmap=twins)))


@pytest.mark.parametrize(
    ("colour", "known"),
    [
        ("#FFFFFF", (100, 0, 0)),
        ("#000000", (0, 0, 0)),
        ("#FF0000", (53.24, 80.09, 67.20)),
        ("#0000FF", (32.30, 79.19, -107.86)),
    ],
)
def test_cielab_is_the_published_one(colour, known):
    assert lab(colour) == pytest.approx(known, abs=0.05)


def test_greys_look_grey_to_everybody():
    for kind, matrix in SIMULATED.items():
        assert matrix.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5), kind
        assert lab("#808080", kind) == pytest.approx(lab("#808080"), abs=0.1)


def test_mechanisms_take_colours_in_their_order_and_one_more_can_be_told_apart():
    assert [style.COLOURS[name] for name in ("mha", "gqa", "mla")] == ["#D55E00", "#E69F00", "#0072B2"]
    assert {*map(style.family, MECHANISMS)} <= {*style.COLOURS}
    spare = style.PALETTE[len({*map(style.family, MECHANISMS)}) :]
    known = [*style.COLOURS.values(), *LAYER_COLOURS.values()]
    assert spare
    assert all(distance(new, each) >= APART for new in spare for each in {*known, *spare} - {new})


def test_a_legend_names_every_layer_of_the_bars_by_its_colour():
    """The shares of the reordered block: marks have the bars' colours, in the bars' order."""
    axes = by_default("reordering")[2]["fig-reordering-shares"].axes[0]
    bars = list(dict.fromkeys(bar.get_facecolor() for bar in axes.patches))
    marks = [mark.get_facecolor() for mark in axes.get_legend().get_patches()]
    assert marks == bars
    assert [text.get_text() for text in axes.get_legend().get_texts()][-2:] == ["core attention", "output projection"]


def test_the_figure_of_caches_sorts_models_by_what_their_blocks_keep():
    """Of the models that cache groups in every block Qwen3 30B-A3B keeps least, as the page says: 4 heads of 128."""
    (csv,) = (each["csv"] for label, each in executed("memory")[0].items() if label == "fig-cache-per-token")
    rows = [line.split(",") for line in csv.splitlines()[1:]]
    kinds = {model: (attention, beside) for model, attention, beside, _ in rows}
    sizes = {model: float(size) for model, *_, size in rows}
    assert kinds["qwen3-next-80b-a3b"] == ("GQA", "states")
    assert kinds["kimi-linear-48b-a3b"] == ("MLA", "states")
    assert kinds["gpt-oss-20b"] == ("GQA", "windows")
    assert kinds["gpt3-175b"] == ("MHA", "")
    assert kinds["deepseek-v3"] == ("MLA", "")
    grouped = [model for model, kind in kinds.items() if kind == ("GQA", "")]
    assert min(grouped, key=sizes.get) == "qwen3-30b-a3b"
    assert sizes["qwen3-30b-a3b"] == 2 * 4 * 128 * 48 * 2


def test_a_layer_that_computes_nothing_has_no_place_under_the_roof():
    """V4-Flash picks rows, which moves bytes alone: an intensity of 0 would take a logarithmic axis to nowhere."""
    rows = roofline_points(Setting.of(model="deepseek-v4-flash", accelerator="b200-sxm", n_acc=32, B=4096, L=8192))
    assert min(rows["intensity"]) > 0
    assert "select" not in rows["stage"]
    assert {"index", "core", "routed"} <= {*rows["stage"]}
