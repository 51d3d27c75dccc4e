"""Bytes of an element by the number of its bits, or by the name of its format, with its share of a scale."""

NAMED = (  # words in a method, algorithm or type; bits of an element, elements that share a scale, bits of the scale
    ("nvfp4", 4, 16, 8),
    ("mxfp4", 4, 32, 8),
    ("mxfp8", 8, 32, 8),
    ("mxfp6", 6, 32, 8),
    ("fp4", 4, 32, 8),
    ("w4", 4, 0, 0),
    ("int4", 4, 0, 0),
    ("fp8", 8, 0, 0),
    ("float8", 8, 0, 0),
    ("w8", 8, 0, 0),
    ("int8", 8, 0, 0),
    ("eetq", 8, 0, 0),
)


def number_of(value) -> float | None:
    """A number of bits, if it is one."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 64 else None


def width_of(bits: float, group=0, scale: float = 16) -> float:
    """Bytes of an element of so many bits, of which a group shares a scale (with what stands beside it) [byte].

    >>> width_of(4, 32, 8)
    0.53125
    """
    return (bits + (scale / group if is_group(group) else 0)) / 8


def is_group(size) -> bool:
    """Whether this is the number of elements that share a scale; 0 and -1 are a whole channel or tensor."""
    return isinstance(size, int) and not isinstance(size, bool) and size > 0


def named_of(name) -> tuple[float, float, float] | None:
    """Bits, elements of a group and bits of its scale by a method's or a type's name.

    >>> named_of("W4A16_NVFP4"), named_of("aqlm")
    ((4, 16, 8), None)
    """
    plain = str(name).lower().replace("-", "").replace("_", "")
    return next((tuple(rest) for word, *rest in NAMED if word in plain), None)


def shared_by(size) -> str:
    """How many elements share a scale, in words."""
    return f", a scale per {size}" if is_group(size) else ""
