"""Hatching as lines in place of patterns, for paper: Chromium prints a pattern as pixels, once for each place it fills.

A pattern of matplotlib is a tile, 72 points square, of a ground and one path; its paths have absolute points only.
"""

import re
from collections.abc import Iterator
from math import floor
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from analysis.render.svg import HREF, NAMESPACE

FILL = re.compile(r"fill:\s*url\(#([^)]+)\);?\s*")
NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
PATTERN, PATH, GROUP, CLIP, RECT, USE = (
    f"{{{NAMESPACE}}}{name}" for name in ("pattern", "path", "g", "clipPath", "rect", "use")
)


def drawn_out(svg: str) -> str:
    """The same drawing with the lines of each hatched area in the place of the pattern that fills it.

    >>> tile = '<pattern id="h" width="72" height="72"><rect fill="#fff"/><path d="M0 0L72 72"/></pattern>'
    >>> area = '<path d="M10 10L20 10L20 20z" style="fill: url(#h)"/>'
    >>> drawn = drawn_out(f'<svg xmlns="http://www.w3.org/2000/svg">{tile}{area}</svg>')
    >>> "url(#h)" in drawn, drawn.count("<use"), drawn.count('clip-path="url(#hatched0)"')
    (False, 1, 1)
    """
    root = ElementTree.fromstring(svg)
    patterns = {each.get("id"): each for each in root.iter(PATTERN)}
    areas = [(parent, child) for parent in root.iter() for child in parent if _name(child) in patterns]
    for count, (parent, area) in enumerate(areas):
        parent[list(parent).index(area)] = _drawn(area, patterns[_name(area)], f"hatched{count}")
    ElementTree.register_namespace("", NAMESPACE)
    return ElementTree.tostring(root, encoding="unicode")


def _name(element: Element) -> str:
    """The pattern that fills a path; empty where none does."""
    found = FILL.search(element.get("style", "")) if element.tag == PATH else None
    return found[1] if found else ""


def _drawn(area: Element, pattern: Element, name: str) -> Element:
    """The area's ground, the lines of the pattern inside it, and its outline."""
    style, shape = FILL.sub("", area.get("style")), area.get("d")
    group = Element(GROUP, {key: area.get(key) for key in ("clip-path", "transform") if area.get(key)})
    SubElement(SubElement(group, CLIP, {"id": name}), PATH, {"d": shape})
    SubElement(group, PATH, {"d": shape, "style": f"fill:{pattern.find(RECT).get('fill')};stroke:none"})
    inside = SubElement(group, GROUP, {"clip-path": f"url(#{name})"})
    for x, y in _tiles(shape, float(pattern.get("width")), float(pattern.get("height"))):
        SubElement(inside, USE, {HREF: f"#{_line(pattern)}", "x": f"{x:g}", "y": f"{y:g}"})
    SubElement(group, PATH, {"d": shape, "style": f"{style};fill:none".lstrip(";")})
    return group


def _line(pattern: Element) -> str:
    """The id of a pattern's path, which has none before."""
    line = pattern.find(PATH)
    line.set("id", line.get("id") or f"{pattern.get('id')}-line")
    return line.get("id")


def _tiles(shape: str, width: float, height: float) -> Iterator[tuple[float, float]]:
    """Corners of the tiles that an area touches."""
    numbers = [float(each) for each in NUMBER.findall(shape)]
    columns, rows = (
        range(floor(min(along) / step), floor(max(along) / step) + 1)
        for along, step in ((numbers[::2], width), (numbers[1::2], height))
    )
    yield from ((width * column, height * row) for row in rows for column in columns)
