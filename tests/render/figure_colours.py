"""What a figure's colours look like to people with a colour-vision deficiency, and whether looks can be told apart.

Deficiencies are simulated in linear RGB by the matrices of Machado, Oliveira and Fernandes (2009, Table 1, severity
1.0); distances are CIELAB's (1976, D65). Looks that differ in more than colour (dash, marker, hatch) pass anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

LEAST = 12.0
"""Distance from which two colours are taken to differ at a glance; a just noticeable difference is 2.3."""

SIMULATED = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


def linear(rgb: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values between 0 and 1 (IEC 61966-2-1)."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(colour, kind: str = "none") -> np.ndarray:
    """CIELAB of an opaque colour as it is seen with a deficiency."""
    seen = np.clip(SIMULATED[kind] @ linear(np.array(to_rgba(colour)[:3])), 0, 1)
    share = TO_XYZ @ seen / WHITE
    root = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def distance(first, second) -> float:
    """The least distance of two colours over all kinds of vision."""
    return min(float(np.linalg.norm(lab(first, kind) - lab(second, kind))) for kind in SIMULATED)


@dataclass(frozen=True)
class Look:
    """How an artist looks: its colour on white, and every other cue."""

    colour: tuple
    cue: tuple


def _on_white(colour, alpha: float | None) -> tuple:
    red, green, blue, own = to_rgba(colour)
    share = own if alpha is None else alpha
    return tuple(round(share * each + 1 - share, 3) for each in (red, green, blue))


def _line(line: Line2D) -> Look:
    marked = line.get_marker() not in ("None", "", None, " ")
    dash = "" if line.get_linestyle() in ("None", "") else line.get_linestyle()
    hollow = marked and to_rgba(line.get_markerfacecolor()) != to_rgba(line.get_color())
    colour = line.get_color() if dash or not marked else line.get_markerfacecolor()
    empty = marked and str(line.get_markerfacecolor()) in ("none", "white")
    colour = line.get_markeredgecolor() if empty and not dash else colour
    return Look(_on_white(colour, line.get_alpha()), ("line", dash, line.get_marker() if marked else "", hollow))


def _patch(patch: Patch) -> Look:
    return Look(_on_white(patch.get_facecolor(), patch.get_alpha()), ("area", patch.get_hatch() or ""))


def looks(axes: Axes) -> set[Look]:
    """The looks of what is drawn in the axes; outlines without fill, empty lines and heat maps left out."""
    found = {_line(line) for line in axes.lines if line.get_visible() and len(line.get_xdata())}
    filled = [patch for patch in axes.patches if patch.get_visible() and patch.get_fill() and _area(patch)]
    found |= {_patch(patch) for patch in filled if patch.get_facecolor()[3] > 0}
    for each in axes.collections:
        if isinstance(each, Collection) and not isinstance(each, QuadMesh) and len(each.get_facecolor()):
            found |= {
                Look(_on_white(colour, None), ("area", each.get_hatch() or "")) for colour in each.get_facecolor()
            }
    return found


def _area(patch: Patch) -> bool:
    return not isinstance(patch, Rectangle) or bool(patch.get_width() and patch.get_height())


def alike(axes: Axes) -> Iterator[str]:
    """Pairs of looks in one axes that only a colour tells apart, and not to everybody."""
    found = sorted(looks(axes), key=str)
    for number, first in enumerate(found):
        for second in found[:number]:
            apart = distance(first.colour, second.colour)
            if first.cue == second.cue and apart < LEAST:
                yield f"{first.colour} and {second.colour} ({first.cue}) are {apart:.1f} apart, not {LEAST:g}"


def heat_maps(figure: Figure) -> list[QuadMesh]:
    """The heat maps of a figure."""
    return [each for axes in figure.axes for each in axes.collections if isinstance(each, QuadMesh)]


def misleading(mesh: QuadMesh) -> Iterator[str]:
    """Kinds of vision to which a heat map's lightness does not rise or fall steadily, from either end to its middle."""
    colours = mesh.get_cmap()(np.linspace(0, 1, 33))
    for kind in SIMULATED:
        light = np.array([lab(colour, kind)[0] for colour in colours])
        top = int(light.argmax())
        if (np.diff(light[: top + 1]) < -0.5).any() or (np.diff(light[top:]) > 0.5).any():
            yield f"{mesh.get_cmap().name}: lightness goes up and down with {kind}"
        if 0 < top < len(light) - 1 and np.linalg.norm(lab(colours[0], kind) - lab(colours[-1], kind)) < LEAST:
            yield f"{mesh.get_cmap().name}: its ends look alike with {kind}"
