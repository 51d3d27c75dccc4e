"""A figure made lighter draws what it drew: the same marks, at the same places, with the same looks."""

import io
import re
from xml.etree import ElementTree

import pytest
from matplotlib import pyplot

from analysis.render.style import use
from analysis.render.svg import light

HREF, OLD_HREF = "href", "{http://www.w3.org/1999/xlink}href"


@pytest.fixture(scope="module")
def drawn():
    use()
    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3], [1, 8, 2], marker="o", label="a < b: c; d")
    axes.fill_between([1, 3], [0, 1], [1, 2], hatch="//", facecolor="#bbbbbb")
    axes.legend()
    target = io.StringIO()
    figure.savefig(target, format="svg")
    pyplot.close(figure)
    return target.getvalue()


def marks(svg):
    """Of every mark: shape, place (by x and y or by a move), factor, looks, and the shape that it refers to."""
    root = ElementTree.fromstring(svg)
    named = {each.get("id"): each for each in root.iter()}
    for each in root.iter():
        if each.tag.rpartition("}")[2] in ("path", "use", "rect"):
            mark = named.get(each.get(HREF, each.get(OLD_HREF, ""))[1:], each)
            transform = each.get("transform", "")
            moves = [tuple(map(float, move)) for move in re.findall(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", transform)]
            steps = [(float(each.get("x", 0)), float(each.get("y", 0))), *moves]
            shape = list(points(mark.get("d", "")))
            yield shape + [sum(way) for way in zip(*steps, strict=True)], looks(each), re.findall(r"scale.*", transform)


def points(path):
    """Numbers of a path, level and upright lines with both of their coordinates."""
    place = [0.0, 0.0]
    for command, text in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        found = [float(number) for number in re.findall(r"-?\d*\.?\d+", text)]
        found = {"H": [*found, place[1]], "V": [place[0], *found]}.get(command, found)
        place = found[-2:] or place
        yield from found


def looks(element):
    parts = (part.split(":") for part in element.get("style", "").split(";") if part)
    return {name.strip(): re.sub(r"#\w+\)", "#a name)", look.strip()) for name, look in parts}


def test_every_mark_stays_what_and_where_it_was(drawn):
    before, after = list(marks(drawn)), list(marks(light(drawn)))
    assert len({look.get("fill") for _, look, _ in before}) > 2
    for (old, *others), (new, *same) in zip(before, after, strict=True):
        assert new == pytest.approx(old, abs=0.0050000001)
        assert same == others


def test_every_reference_finds_what_it_names(drawn):
    lighter = light(drawn)
    known = re.findall(r' id="([^"]+)"', lighter)
    wanted = set(re.findall(r'(?:href="|url\()#([^")]+)', lighter))
    assert wanted == set(known)
    assert len(known) == len(wanted) > 5


def test_it_is_a_good_deal_lighter_and_can_become_no_lighter(drawn):
    assert len(light(drawn)) < 0.75 * len(drawn)
    assert light(light(drawn)) == light(drawn)
