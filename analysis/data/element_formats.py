"""Formats by name: how many bytes the elements of each part take, from data/formats.yml."""

from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from analysis.data.datasets import DATA
from analysis.data.row import Name, Row
from analysis.files.documents import yaml_mapping
from analysis.files.errors import InputError, choices

WIDTHS = {
    "latent": "width_latent",
    "rope_key": "width_rope_key",
    "index_key": "width_index",
    "kv": "width_kv",
    "state": "width_state",
    "scores": "width_scores",
    "weights": "width_weights",
    "experts": "width_experts",
    "activations": "width_activations",
}
"""Parts that a format may name, and the symbol of their width."""


class Part(BaseModel):
    """Bytes that so many elements take, scales and padding counted."""

    model_config = Row.model_config

    bytes: Annotated[float, Field(gt=0)]
    elements: Annotated[int, Field(ge=1)]


class Format(BaseModel):
    """A way to keep elements, with the source of its layout."""

    model_config = Row.model_config

    title: Name
    parts: Annotated[dict[Literal[tuple(WIDTHS)], Part], Field(min_length=1)]
    source: Name
    locator: Name
    known: Literal["exact", "published", "measured", "derived", "assumed"]

    @property
    def widths(self) -> dict[str, float]:
        """Bytes of an element by the name of the width's symbol."""
        return {WIDTHS[name]: part.bytes / part.elements for name, part in self.parts.items()}


@cache
def formats() -> dict[str, Format]:
    """Every format by name, in the order of the file. Raises InputError where the file is wrong.

    >>> formats()["latent-fp8"].widths["width_latent"] * 512
    528.0
    """
    path = DATA / "formats.yml"
    return {name: _format(path, name, given) for name, given in yaml_mapping(path).items()}


def _format(path, name: str, given) -> Format:
    try:
        return Format.model_validate(given)
    except ValidationError as failure:
        first = failure.errors()[0]
        where = ".".join(map(str, (name, *first["loc"])))
        raise InputError(
            f"{path.name}, {where}: found {first['input']!r}, {first['msg'].lower()}; a format has title, source, "
            f"locator, known and parts, each of {choices(WIDTHS)} with bytes and elements."
        ) from None
