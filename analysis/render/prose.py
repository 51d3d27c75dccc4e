"""Numbers inside sentences, words that judge them, and what worked answers compute, each where the page is rendered.

A judging word is chosen by its number, so that the sentence around it stays true when the number changes.
"""

from collections.abc import Iterable, Mapping
from math import isfinite

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import BW_Int
from analysis.files.errors import InputError, choices
from analysis.ledger.criteria import near
from analysis.render.digits import digits_of, percent, whole, with_unit
from analysis.render.words import person
from analysis.systems import crossing as crossings
from analysis.systems.layers import shares
from analysis.systems.quantities import evaluate

# -- numbers -----------------------------------------------------------------------------------------
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


def compared(models: Iterable[str], columns: Mapping[str, str | Mapping]) -> str:
    """A table with a line for each model; a column is a field of the model's row, or arguments of `number` or `share`.

    >>> print(compared(["gpt3-175b"], {"blocks": "n_dec", "held": {"quantity": "parameters", "unit": "billion"}}))
    | model | blocks | held |
    |:---|---:|---:|
    | GPT-3 | 96 | 175 billion |
    """
    lines = [[person(model), *(_cell(model, each) for each in columns.values())] for model in models]
    rule = f"|:---|{'---:|' * len(columns)}"
    head, *rows = (f"| {' | '.join(line)} |" for line in [["model", *columns], *lines])
    return "\n".join([head, rule, *rows])


def _cell(model: str, asked: str | Mapping) -> str:
    if isinstance(asked, str):
        found = getattr(row("models", model), asked)
        return "" if found is None else whole(found) if isinstance(found, int) else str(found)
    return (share if "of" in asked else number)(model=model, **asked)


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


# -- words that judge a number -----------------------------------------------------------------------
def against_ridge(share: float) -> str:
    """Where an intensity lies, given its share of the ridge point.

    >>> [against_ridge(share) for share in (0.8, 0.95, 1.05, 3)]
    ['below', 'near, not above,', 'just above', 'above']
    """
    if share < 1:
        return "near, not above," if near(share) else "below"
    return "just above" if near(share) else "above"


def waits_or_computes(share: float) -> str:
    """What limits a layer of this share of the ridge point.

    >>> waits_or_computes(0.8), waits_or_computes(1.3)
    ('it waits for memory', 'it computes')
    """
    return "it waits for memory" if share < 1 else "it computes"


def knee(**given) -> str:
    """The batch at which routed experts reach the ridge with their activations counted, in words.

    >>> knee(model="mixtral-8x7b", accelerator="b200-paper")
    'at 1,140 requests'
    """
    batch = float(evaluate("B_MoE", **given).beside["activations counted"])
    return f"at {digits_of(batch)} requests" if batch > 0 and isfinite(batch) else "at no batch"


def span(low: float, high: float) -> str:
    """Two numbers as a range, or one where both read the same.

    >>> span(0.1, 0.25), span(15.999, 16)
    ('0.1 to 0.25', '16')
    """
    ends = dict.fromkeys(map(digits_of, (low, high)))
    return " to ".join(ends)


# -- worked answers ----------------------------------------------------------------------------------
def times_of_step(**given) -> dict[str, float]:
    """The terms of a token's time [s] in a setting that take any, by name, longest first.

    >>> given = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32, "B": 4096, "L": 4096}
    >>> next(iter(times_of_step(**given)))
    'routed_experts'
    """
    terms = {name: float(time) for name, time in evaluate("tpot_terms", **given).value.items() if time > 0}
    return dict(sorted(terms.items(), key=lambda item: item[1], reverse=True))


def terms_table(words: Mapping[str, str], **given) -> str:
    """The terms of a token's time, longest first, each with what `words` say that it does. Raises InputError for one
    that they leave out."""
    terms = times_of_step(**given)
    missing = [name for name in terms if name not in words]
    if missing:
        raise InputError(f"terms_table: no words for the term {missing[0]}; add them to {choices(words)}.")
    step = sum(terms.values())
    rows = [(words[name], with_unit(time, "s", "ms"), percent(time / step)) for name, time in terms.items()]
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"| the step | takes | share |\n|:---|---:|---:|\n{body}\n"


def even_bandwidth(**given) -> float:
    """Link bandwidth [byte/s] at which both exchanges of a step take as long as its routed experts, latency 0.

    Exchange times fall with the bandwidth in proportion, experts' times do not know it.
    """
    terms = times_of_step(**given)
    wires = terms.get("dispatch", 0.0) + terms.get("combine", 0.0)
    return float(Setting.of(**given).point[BW_Int]) * wires / terms["routed_experts"]
