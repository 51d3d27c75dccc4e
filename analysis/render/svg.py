"""SVG as light as it can be without looking different: a chapter shows many figures, and each is read whole.

Matplotlib writes a group around every mark, an identifier on every group, six decimals of a point, one path command a
line, and a mark's looks where it is defined and again where it is used. None of it shows.
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

NAMESPACE = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
DECIMALS = 3
"""Digits kept after the point; a figure's unit is the typographic point, of which a thousandth shows nowhere."""

HREF = "href"
OLD_HREF = f"{{{XLINK}}}{HREF}"
"""What refers to a mark, and the name that it bore before SVG 2."""

STROKE = ("width", "opacity", "linecap", "linejoin", "dasharray", "dashoffset")
INHERITED = {"fill", "fill-opacity", "stroke", *(f"stroke-{part}" for part in STROKE)}
"""Looks that a mark takes from where it is used, but for those that it has itself; opacity is none of them."""

REFERENCE = re.compile(r"(?<=url\(#)[^)]+")
LONG_NUMBER = re.compile(rf"-?\d*\.\d{{{DECIMALS + 1},}}(?!\d*e)")
NUMBERS = ("d", "x", "y", "width", "height", "points", "transform")
MOVE = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
SCALE = re.compile(r"(scale\([^)]*\))")  # a factor is not a length


def light(svg: str) -> str:
    """Return the same drawing without comments, metadata, idle groups and identifiers, and with rounded lengths.

    >>> light('<svg xmlns="http://www.w3.org/2000/svg"><!-- x --><g id="a"><path d="M 0 0 \\nL 1.23456 2 "/></g></svg>')
    '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L1.235 2"/></svg>'
    """
    root = ElementTree.fromstring(svg)  # which forgets the comments
    for element in root.iter():
        if OLD_HREF in element.attrib:
            element.set(HREF, element.attrib.pop(OLD_HREF))
    used = {name: f"i{number}" for number, name in enumerate(dict.fromkeys(_references(root)))}
    _say_once(root)
    _lighten(root, used)
    ElementTree.register_namespace("", NAMESPACE)
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def _say_once(root: Element) -> None:
    """Drop from each use what the mark itself says: of the two, browsers heed the mark."""
    said = {element.get("id"): _looks(element) for element in root.iter() if element.get("id")}
    for element in root.iter(f"{{{NAMESPACE}}}use"):
        mark = said.get(element.get(HREF, "#")[1:], {})
        kept = {name: look for name, look in _looks(element).items() if name not in mark.keys() & INHERITED}
        element.attrib.pop("style", None)
        if kept:
            element.set("style", ";".join(map(":".join, kept.items())))


def _looks(element: Element) -> dict[str, str]:
    pairs = (part.partition(":") for part in element.get("style", "").split(";") if part.strip())
    return {name.strip(): look.strip() for name, _, look in pairs}


def _references(root: Element) -> Iterator[str]:
    """Names that something in the drawing refers to."""
    for element in root.iter():
        for name, value in element.attrib.items():
            yield from [value[1:]] if name == HREF and value.startswith("#") else REFERENCE.findall(value)


def _lighten(element: Element, used: dict[str, str]) -> None:
    """Lighten the element in place, its children first."""
    element.text, element.tail = (text if text and text.strip() else None for text in (element.text, element.tail))
    for name, value in list(element.attrib.items()):
        if name == "id" and value not in used:
            del element.attrib[name]
        else:
            element.attrib[name] = _value(name, value, used)
    _place(element)
    kept = []
    for child in list(element):
        if child.tag != f"{{{NAMESPACE}}}metadata":
            _lighten(child, used)
            kept += list(child) if _idle(child) else [child]
    element[:] = kept


def _place(element: Element) -> None:
    """A letter that is only moved says so in the shorter way."""
    moved = MOVE.fullmatch(element.get("transform", ""))
    if moved and element.tag == f"{{{NAMESPACE}}}use" and not {"x", "y"}.intersection(element.keys()):
        del element.attrib["transform"]
        element.attrib.update((name, way) for name, way in zip("xy", moved.groups(), strict=True) if way != "0")


def _idle(element: Element) -> bool:
    return element.tag == f"{{{NAMESPACE}}}g" and not element.attrib


def _value(name: str, value: str, used: dict[str, str]) -> str:
    if name == "id":
        return used[value]
    if name in NUMBERS:
        parts = SCALE.split(value)
        value = "".join(part if SCALE.match(part) else LONG_NUMBER.sub(_rounded, part) for part in parts)
    if name == "d":
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", re.sub(r"\s+", " ", value)).strip()
    if name == "style":
        value = re.sub(r"\s*([:;])\s*", r"\1", value)
    if name == HREF and value.startswith("#"):
        return f"#{used[value[1:]]}"
    return REFERENCE.sub(lambda found: used[found[0]], value)


def _rounded(number: re.Match) -> str:
    return f"{float(number[0]):.{DECIMALS}f}".rstrip("0").rstrip(".")
