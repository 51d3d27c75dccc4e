"""Every figure of the book: legible on a phone, told apart by every eye, its finding in words and numbers, its data.

The notebooks' cells run here as they stand, with `show` replaced by one that keeps the figure for inspection.
"""

import ast
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps, pyplot
from matplotlib.colors import LinearSegmentedColormap

from analysis.derive.attention import MECHANISMS
from analysis.render import show as showing
from analysis.render import style
from analysis.render.axes import LAYER_COLOURS, with_names
from analysis.render.words import named
from tests.render.figure_colours import LEAST as APART
from tests.render.figure_colours import SIMULATED, alike, distance, heat_maps, lab, misleading
from tests.render.figure_layout import LEAST as LEGIBLE
from tests.render.figure_layout import collisions, covered, letters, texts

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "book" / "notebooks").glob("*.ipynb"))


def figures_of(notebook, monkeypatch):
    """What the notebook shows: (label, figure, alt, data) each."""
    kept = []

    def keep(figure, label, caption, alt, data=None):
        with_names(figure)
        kept.append((label, figure, named(alt), data))

    monkeypatch.setattr(showing, "show", keep)
    monkeypatch.setattr(showing, "note", lambda **values: None)
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cell in json.loads(notebook.read_text())["cells"]:
            if cell["cell_type"] == "code":
                exec(compile(ast.parse("".join(cell["source"])), notebook.name, "exec"), names)
    return kept


def faults(label, figure, alt, data):
    """Everything that a reader would stumble over, in words."""
    size, finding = letters(figure), figure.get_suptitle()
    found = [] if size >= LEGIBLE else [f"letters of {size:.1f} pixels on a phone"]
    found += [each for axes in figure.axes for each in alike(axes)]
    found += [each for mesh in heat_maps(figure) for each in misleading(mesh)]
    found += [*collisions(figure), *covered(figure)]
    found += [f"{text.get_text()!r} has an id" for text in texts(figure) if text.get_text() != named(text.get_text())]
    found += [] if any(map(str.isdigit, finding)) else [f"the finding {finding!r} has no number"]
    found += [] if sum(map(str.isdigit, alt)) > 2 else [f"the alternative text {alt!r} has no numbers"]
    found += [] if data and all(len(column) for column in data.values()) else ["no data behind it"]
    return [f"{label}: {each}" for each in found]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_figures_can_be_read(notebook, monkeypatch):
    shown = figures_of(notebook, monkeypatch)
    assert shown
    found = [fault for each in shown for fault in faults(*each)]
    for _, figure, *_ in shown:
        pyplot.close(figure)
    assert not found, "\n".join(found)


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
    axes.plot([0, 1], [0, 1], label="rising")
    assert letters(axes.figure) >= LEGIBLE
    axes.text(0.5, 0.2, "one text", fontsize=5)
    assert letters(axes.figure) < LEGIBLE
    assert not list(collisions(axes.figure))
    axes.text(0.5, 0.2, "another text")
    assert len(list(collisions(axes.figure))) == 1
    axes.legend(loc="upper left")
    assert not list(covered(axes.figure))
    axes.legend(loc="upper right")
    assert len(list(covered(axes.figure))) == 1


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
