"""A figure made lighter draws what it drew: the same marks at the same places, and nothing refers to what is gone."""

import io
import re
from xml.etree import ElementTree

import pytest
from matplotlib import pyplot

from analysis.render.hatching import drawn_out
from analysis.render.style import use
from analysis.render.svg import light

HREF = "href"
OLD_HREF = "{http://www.w3.org/1999/xlink}href"


@pytest.fixture(scope="module")
def drawn():
    use()
    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3], [1, 8, 2], marker="o", label="a < b")
    axes.fill_between([1, 3], [0, 1], [1, 2], hatch="//", facecolor="#bbbbbb")
    axes.legend()
    target = io.StringIO()
    figure.savefig(target, format="svg")
    pyplot.close(figure)
    return target.getvalue()


def elements(svg, *names):
    return [each for each in ElementTree.fromstring(svg).iter() if each.tag.rpartition("}")[2] in names]


def place(element):
    """Where an element is put: by x and y, by a move, or by both; a factor stays as it is."""
    moves = re.findall(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", element.get("transform", ""))
    steps = [(float(element.get("x", 0)), float(element.get("y", 0)))] + [tuple(map(float, move)) for move in moves]
    return [sum(way) for way in zip(*steps, strict=True)]


def lengths(path):
    return [float(number) for number in re.findall(r"-?\d*\.?\d+", path)]


def test_every_mark_stays_where_it_was(drawn):
    before, after = (elements(svg, "path", "use", "rect", "image") for svg in (drawn, light(drawn)))
    assert [each.tag for each in before] == [each.tag for each in after]
    for old, new in zip(before, after, strict=True):
        assert lengths(new.get("d", "")) == pytest.approx(lengths(old.get("d", "")), abs=0.0005000001)
        assert place(new) == pytest.approx(place(old), abs=0.0005000001)


def looks(svg):
    """What each path and use looks like: of what a use says, a mark heeds what it does not say itself."""
    named = {each.get("id"): each for each in ElementTree.fromstring(svg).iter()}
    for each in elements(svg, "path", "use"):
        mark = named.get(each.get(HREF, each.get(OLD_HREF, ""))[1:]) if each.tag.endswith("use") else None
        yield stated(each) | (stated(mark) if mark is not None else {})


def stated(element):
    parts = (part.split(":") for part in element.get("style", "").split(";") if part)
    return {name.strip(): re.sub(r"#\w+\)", "#a name)", look.strip()) for name, look in parts}


def test_every_mark_looks_as_it_did(drawn):
    before, after = list(looks(drawn)), list(looks(light(drawn)))
    assert before == after
    assert len({look.get("fill") for look in before}) > 2


def test_factors_stay_as_they_are(drawn):
    assert re.findall(r"scale\([^)]*\)", light(drawn)) == re.findall(r"scale\([^)]*\)", drawn)


def test_every_reference_finds_what_it_names(drawn):
    lighter = light(drawn)
    known = {each.get("id") for each in ElementTree.fromstring(lighter).iter()} - {None}
    wanted = {each.get(HREF)[1:] for each in elements(lighter, "use")} | set(re.findall(r"url\(#([^)]+)\)", lighter))
    assert wanted
    assert wanted == known


def test_it_is_a_good_deal_lighter_and_can_become_no_lighter(drawn):
    assert len(light(drawn)) < 0.75 * len(drawn)
    assert light(light(drawn)) == light(drawn)


# -- hatching drawn out, for paper -------------------------------------------------------------------
def test_hatching_is_drawn_out_where_it_was_a_pattern(drawn):
    before, after = light(drawn), drawn_out(light(drawn))
    (pattern,) = elements(before, "pattern")
    areas = [each for each in elements(before, "path") if f"url(#{pattern.get('id')})" in each.get("style", "")]
    assert areas
    assert not [each for each in elements(after, "path") if "fill:url(" in each.get("style", "").replace(" ", "")]
    kept = [each.get("d") for each in elements(after, "path")]
    assert {each.get("d") for each in areas} <= set(kept)
    ids = [each.get("id") for each in ElementTree.fromstring(after).iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#(.+?)\)", after)) | {use.get(HREF)[1:] for use in elements(after, "use")} <= set(ids)


def test_the_lines_of_a_hatched_area_reach_over_all_of_it():
    """An area from 10 to 150 and from -5 to 80 lies on three columns and three rows of tiles of 72."""
    tile = '<pattern id="h" width="72" height="72"><rect fill="#fff"/><path d="M0 0L72 72"/></pattern>'
    area = '<path d="M10 -5L150 -5L150 80L10 80z" style="fill:url(#h);stroke:#000"/>'
    after = drawn_out(f'<svg xmlns="http://www.w3.org/2000/svg">{tile}{area}</svg>')
    corners = {(float(each.get("x")), float(each.get("y"))) for each in elements(after, "use")}
    assert corners == {(x, y) for x in (0, 72, 144) for y in (-72, 0, 72)}
    assert "stroke:#000;fill:none" in after
