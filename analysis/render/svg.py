"""Figures at half their weight: a chapter shows many, and each is read whole.

Matplotlib writes a group around every mark, a long identifier on every group, six decimals of a point and one path
command a line. None of it shows. This works on the text as matplotlib writes it, not on SVG in general.
"""

import re

IDLE = re.compile(r'(?s)<\?xml.*?\?>|<!--.*?-->|<metadata>.*?</metadata>|<!DOCTYPE[^>]*>| xmlns:xlink="[^"]*"')
LONG_NUMBER = re.compile(r"(?<!scale\()(?<![\d.])-?\d+\.\d{3,}(?!\d*e)")  # no factors
REFERENCE = re.compile(r'(?:(?<=href=")|(?<=url\())#([^")]+)')
PATH = re.compile(r'(?<= d=")[^"]+')
LETTER = re.compile(r'<use href="([^"]+)" transform="translate\(([-\d.]+) 0\)"/>')
BARE_GROUP = re.compile(r"<g>((?:(?!</?g\b).)*)</g>")


def light(svg: str) -> str:
    """Return the same drawing without comments, metadata, idle groups and identifiers, and lengths to 0.01 points.

    >>> light('<svg xmlns="http://www.w3.org/2000/svg"><!-- x --><g id="a"><path d="M 0 0 \\nL 1.23456 2 "/></g></svg>')
    '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L1.23 2"/></svg>'
    """
    svg = LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), IDLE.sub("", svg))
    names = {name: f"i{count}" for count, name in enumerate(dict.fromkeys(REFERENCE.findall(svg)))}
    svg = re.sub(r' id="([^"]*)"', lambda own: f' id="{names[own[1]]}"' if own[1] in names else "", svg)
    svg = REFERENCE.sub(lambda other: f"#{names[other[1]]}", svg).replace("xlink:href", "href")
    svg = PATH.sub(lambda path: re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(path[0].split())), svg)
    svg = LETTER.sub(r'<use href="\1" x="\2"/>', svg)
    svg = re.sub(r"\s*\n\s*", "", svg)
    while BARE_GROUP.search(svg):
        svg = BARE_GROUP.sub(r"\1", svg)
    return re.sub(r'([:;]) (?=[^<>"]*")', r"\1", svg)
