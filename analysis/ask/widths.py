"""Bytes of an element in a setting: as given, as the model's published files have them, or all alike."""

from analysis.data.element_formats import formats
from analysis.data.lines import mechanisms
from analysis.files.errors import InputError, choices

WIDTHS = ("width_weights", "width_kv", "width_activations")
EXPERTS = "width_experts"
PARTS = {"latent": "width_latent", "rope_key": "width_rope_key", "index_key": "width_index"}
WIDE = {"width_state": 4, "width_scores": 4}
"""States, index scores and picked positions have 32 bits unless a format says otherwise."""


def widths(setting) -> dict[str, float]:
    """Every width of a setting [byte]; weights of routed experts are as wide as others unless they stand apart."""
    found = {name: _width(setting, name) for name in WIDTHS}
    return found | {EXPERTS: _width(setting, EXPERTS) if experts_apart(setting) else found["width_weights"]}


def of_parts(setting) -> dict[str, float]:
    """Widths of parts of the cache, of states and of scores [byte]: the format's, else the cache's, or 32 bits."""
    stated = _of_format(setting)
    cache = _width(setting, "width_kv")
    apart = {PARTS[part] for part in parts_apart(setting)}
    found = {name: stated[name] if name in apart else cache for name in PARTS.values()}
    return found | {name: stated.get(name, width) for name, width in WIDE.items()}


def parts_apart(setting) -> tuple[str, ...]:
    """Parts of the cache to which the format gives a width of their own; a given width_kv is that of all."""
    named = tuple(part for part, name in PARTS.items() if name in _of_format(setting))
    return () if named and ("width" in setting.given or "width_kv" in setting.given) else named


def _of_format(setting) -> dict[str, float]:
    name = setting.model.format if setting["format"] == "served" else setting["format"]
    if name and setting["format"] == "served" and name not in formats():
        raise InputError(
            f"model={setting.model.id}, column format: found {name!r}, allowed are {choices(formats())}; correct it."
        )
    found = formats().get(name)
    return found.widths if found else {}


def _width(setting, name: str):
    stated = None if "width" in setting.given else (published(setting) | _of_format(setting)).get(name)
    return next(each for each in (setting[name], stated, setting["width"]) if each is not None)


def published(setting) -> dict[str, float]:
    """Widths that the model's row states of its published files, where format=served asks for them.

    Raises InputError for a row that states none, and for a format of parts that the model does not keep.
    """
    _refuse_foreign_parts(setting)
    if setting["format"] != "served":
        return {}
    stated = {name: getattr(setting.model, name, None) for name in (*WIDTHS, EXPERTS)}
    found = _of_format(setting) | {name: width for name, width in stated.items() if width is not None}
    if not found:
        raise InputError(
            f"format=served: the row of model={setting.model.id} states no width of its published files; leave format "
            "out, and give width_weights=, width_experts= or width_kv= in bytes where you know them."
        )
    return found


def _refuse_foreign_parts(setting) -> None:
    stated = _of_format(setting)
    if "model" not in setting.given or _fits(stated, kept := _kept(setting.model)):
        return
    row, own = setting.model, setting["format"] == "served"
    format_ = row.format if own else setting["format"]
    named = f"model={row.id}, column format: {format_}" if own else f"format={format_}"
    attention = ", ".join(dict.fromkeys(kind.attention for kind in row.attending))
    others = choices(name for name, each in formats().items() if _fits(each.widths, kept))
    raise InputError(
        f"{named}: speaks of {', '.join(sorted(_apart(stated)))}, which model={row.id} ({attention}) does not keep; "
        f"allowed are {others}, or widths in bytes."
    )


def _apart(widths: dict[str, float]) -> set[str]:
    """The parts among widths that not every model keeps."""
    return {part for part, name in (PARTS | {"experts": EXPERTS}).items() if name in widths}


def _kept(row) -> set[str]:
    """The parts that a model keeps, of those that not every model does."""
    cached = {part for kind in row.attending for part in mechanisms()[kind.attention].parts}
    return cached | ({"experts"} if row.n_moe else set())


def _fits(widths: dict[str, float], kept: set[str]) -> bool:
    """Whether a model keeps any of the parts of a format, if it speaks of such parts."""
    return not (apart := _apart(widths)) or bool(apart & kept)


def experts_apart(setting) -> bool:
    """Whether routed experts have a width of their own: given, or published and not overridden."""
    overridden = "width" in setting.given or "width_weights" in setting.given
    return EXPERTS in setting.given or (not overridden and EXPERTS in (published(setting) | _of_format(setting)))
