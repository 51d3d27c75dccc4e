"""Numbers inside sentences: every one is computed where the page is rendered, from what the sentence names."""

from collections.abc import Mapping

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.files.errors import InputError, choices
from analysis.render.digits import digits_of, percent, whole, with_unit
from analysis.systems import crossing as crossings
from analysis.systems.layers import shares
from analysis.systems.quantities import evaluate

SHORT_UNITS = {"FLOP/byte": "1", "requests": "1", "tokens/s": "1"}  # units that the sentence says in words


def quantity_value(quantity: str, beside: str = "", part: str = "", **given):
    """A quantity's value in SI units; `beside` chooses one of the further forms, `part` one of a breakdown.

    Raises InputError for what the quantity does not know.
    """
    answer = evaluate(quantity, **given)
    if not beside and not part:
        return answer.value
    chosen, known = (beside, answer.beside) if beside else (part, answer.value)
    if chosen not in known:
        raise InputError(f"{quantity}: has nothing called {chosen!r}; allowed are {choices(known)}.")
    return known[chosen]


def number(
    quantity: str, unit: str | None = None, digits: int | None = 3, beside: str = "", part: str = "", **given
) -> str:
    """A quantity in a setting as text: `digits` significant digits (None: every digit), in `unit`.

    >>> number("kv_bytes_per_token", unit="KiB", model="deepseek-v3")
    '68.6\\u202fKiB'
    >>> number("B_MoE", model="deepseek-v3", accelerator="b200-paper")
    '9,000'
    """
    own = evaluate(quantity, **given).unit
    return with_unit(quantity_value(quantity, beside, part, **given), SHORT_UNITS.get(own, own), unit, digits)


def ratio(quantity: str, over: Mapping, under: Mapping, digits: int = 3, beside: str = "", **both) -> str:
    """A quantity in one setting over the same in another, as text.

    >>> ratio("kv_bytes_per_token", {"model": "gpt3-175b"}, {"model": "deepseek-v3"})
    '67.1'
    """
    first, second = (quantity_value(quantity, beside, **{**both, **each}) for each in (over, under))
    return digits_of(first / second, digits)


def share(quantity: str, of: str, digits: int = 2, **given) -> str:
    """One quantity as a percentage of another in the same setting.

    >>> share("active_parameters", of="parameters", model="deepseek-v3")
    '5.5\\u202f%'
    """
    return percent(quantity_value(quantity, **given) / quantity_value(of, **given), digits)


def layer_share(*titles: str, digits: int = 2, **given) -> str:
    """Share of attention layers, together, in the time of the attention block. Raises InputError for another title."""
    found = shares(Setting.of(**given))
    unknown = [title for title in titles if title not in found]
    if unknown:
        raise InputError(f"layer_share: no layer {unknown[0]!r} in this setting; allowed are {choices(found)}.")
    return percent(sum(found[title] for title in titles), digits)


def crossing(what: str, digits: int = 3, **given) -> str:
    """Query length [tokens] at which both orders cost the same in `flops`, `bytes` or `time`, as text."""
    setting = Setting.of(**given)
    if what == "time":
        return " and ".join(digits_of(found.length, digits) for found in crossings.crossings_in_time(setting)) or "none"
    return digits_of(
        {"flops": crossings.crossing_in_flops, "bytes": crossings.crossing_in_bytes}[what](setting), digits
    )


def row(file: str, id_: str):
    """A row of a data file: `row("accelerators", "b200-paper").BW_mem`. Raises InputError for an unknown file or id."""
    tables = {
        "models": datasets.model,
        "accelerators": datasets.accelerator,
        "interconnects": datasets.interconnect,
        "scenarios": datasets.scenario,
        "claims": lambda name: datasets.claims()[name],
    }
    if file not in tables:
        raise InputError(f"row({file!r}): there is no such data file; allowed are {choices(tables)}.")
    return tables[file](id_)


WORDS = {
    "number": number,
    "ratio": ratio,
    "share": share,
    "layer_share": layer_share,
    "crossing": crossing,
    "row": row,
    "digits": digits_of,
    "whole": whole,
    "percent": percent,
    "with_unit": with_unit,
    "value": quantity_value,
}
