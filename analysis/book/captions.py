"""A figure's caption in two parts: what a reader looks at, and the conditions, which stand in a fold."""

import re

PARTS = re.compile(r"(?<=[.;:]) ")
PARAMETER = re.compile(r"\b[A-Za-z_]+=\S")


def in_two(caption: str) -> tuple[str, str]:
    """The caption without the parts that name parameters, and those parts.

    >>> in_two("Memory by kind; width=2. Grey does not fit. Common to all: rope=in.")
    ('Memory by kind. Grey does not fit.', 'width=2. Common to all: rope=in.')
    """
    parts = PARTS.split(" ".join(caption.split()))
    named = [bool(PARAMETER.search(part)) for part in parts]
    leads = [part.endswith(":") and after for part, after in zip(parts, [*named[1:], False], strict=True)]
    folded = [one or other for one, other in zip(named, leads, strict=True)]
    shown = " ".join(part for part, fold in zip(parts, folded, strict=True) if not fold)
    below = " ".join(part for part, fold in zip(parts, folded, strict=True) if fold)
    return re.sub(r";(?= [A-Z]|$)", ".", shown), below


def fold(conditions: str) -> str:
    """The conditions as a fold below the caption."""
    return f'<details class="conditions"><summary>Conditions</summary><p>{conditions}</p></details>'
