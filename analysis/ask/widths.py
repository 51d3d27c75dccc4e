"""Bytes of an element in a setting: as given, as the model's published files have them, or all alike."""

from analysis.derive.symbols import BY_NAME
from analysis.files.errors import InputError

WIDTHS = ("width_weights", "width_kv", "width_activations")
EXPERTS = "width_experts"


def widths(setting) -> dict:
    """Every width of a setting [byte], by symbol."""
    return {BY_NAME[name]: width for name, width in widths_by_name(setting).items()}


def widths_by_name(setting) -> dict:
    """Every width of a setting [byte]; weights of routed experts are as wide as others unless they stand apart."""
    found = {name: _width(setting, name) for name in WIDTHS}
    return found | {EXPERTS: _width(setting, EXPERTS) if experts_apart(setting) else found["width_weights"]}


def _width(setting, name: str):
    stated = None if "width" in setting.given else published(setting).get(name)
    return next(each for each in (setting[name], stated, setting["width"]) if each is not None)


def published(setting) -> dict[str, float]:
    """Widths that the model's row states of its published files, where format=served asks for them.

    Raises InputError for a row that states none.
    """
    if setting["format"] != "served":
        return {}
    stated = {name: getattr(setting.model, name, None) for name in (*WIDTHS, EXPERTS)}
    found = {name: width for name, width in stated.items() if width is not None}
    if not found:
        raise InputError(
            f"format=served: the row of model={setting.model.id} states no width of its published files; leave format "
            "out, and give width_weights=, width_experts= or width_kv= in bytes where you know them."
        )
    return found


def experts_apart(setting) -> bool:
    """Whether routed experts have a width of their own: given, or published and not overridden."""
    overridden = "width" in setting.given or "width_weights" in setting.given
    return EXPERTS in setting.given or (not overridden and EXPERTS in published(setting))
