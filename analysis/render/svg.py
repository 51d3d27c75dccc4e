"""Figures at half their weight: a chapter shows many, and each is read whole.

Matplotlib writes a group around every mark, a long identifier on every group, six decimals of a point and one path
command a line. None of it shows. This works on the text as matplotlib writes it, not on SVG in general.
"""

import base64
import io
import re

from PIL import Image

IDLE = re.compile(r'(?s)<\?xml.*?\?>|<!--.*?-->|<metadata>.*?</metadata>|<!DOCTYPE[^>]*>| xmlns:xlink="[^"]*"')
LONG_NUMBER = re.compile(r"(?<!scale\()(?<![\d.])-?\d+\.\d{3,}(?!\d*e)")  # no factors
REFERENCE = re.compile(r'(?:(?<=href=")|(?<=url\())#([^")]+)')
PATH = re.compile(r'(?<= d=")[^"]+')
COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
LETTER = re.compile(r'<use href="([^"]+)" transform="translate\(([-\d.]+) 0\)"/>')
PICTURE = re.compile(r"(?<=data:image/png;base64,)[^\"]+")
COLOURS = 256  # of a picture inside a drawing: what many overlapping marks have beyond it no eye tells apart
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
    svg = PATH.sub(lambda path: _upright(re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(path[0].split()))), svg)
    svg = LETTER.sub(r'<use href="\1" x="\2"/>', svg)
    svg = PICTURE.sub(lambda picture: _light_picture(picture[0]), svg)
    svg = re.sub(r"\s*\n\s*", "", svg)
    while BARE_GROUP.search(svg):
        svg = BARE_GROUP.sub(r"\1", svg)
    return re.sub(r'([:;]) (?=[^<>"]*")', r"\1", svg)


def _upright(path: str) -> str:
    """A path whose level and upright lines say only where they end.

    >>> _upright("M1 2L5 2L5 4L1 4z")
    'M1 2H5V4H1z'
    """
    at, written = ["", ""], []
    for command, numbers in COMMAND.findall(path):
        place = numbers.split()[-2:]
        if command in "HV":
            place = [place[0], at[1]] if command == "H" else [at[0], place[0]]
        elif command == "L" and at[1] == place[1]:
            command, numbers = "H", place[0]
        elif command == "L" and at[0] == place[0]:
            command, numbers = "V", place[1]
        at = place or at
        written.append(command + numbers)
    return "".join(written)


def _light_picture(encoded: str) -> str:
    """A picture with a palette where it has more colours than one; the same elsewhere."""
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    if picture.mode != "RGBA" or picture.getcolors(COLOURS):
        return encoded
    found = io.BytesIO()
    picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(found, "PNG", optimize=True)
    return base64.b64encode(found.getvalue()).decode()
