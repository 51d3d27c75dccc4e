"""What the worked answers of the chapters' exercises compute beyond single quantities."""

from analysis.ask.setting import Setting
from analysis.derive.symbols import BW_Int
from analysis.render.digits import percent, with_unit
from analysis.systems.quantities import evaluate


def times_of_step(**given) -> dict[str, float]:
    """The terms of a token's time [s] in a setting that take any, by name, longest first.

    >>> given = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32, "B": 4096, "L": 4096}
    >>> next(iter(times_of_step(**given)))
    'routed_experts'
    """
    terms = {name: float(time) for name, time in evaluate("tpot_terms", **given).value.items() if time > 0}
    return dict(sorted(terms.items(), key=lambda item: item[1], reverse=True))


def longest_term(**given) -> str:
    """The term that takes most of a token's time, in words, with its share."""
    terms = times_of_step(**given)
    name, time = next(iter(terms.items()))
    return f"{name.replace('_', ' ')}, {with_unit(time, 's', 'ms')} or {percent(time / sum(terms.values()))} of it"


def even_bandwidth(**given) -> float:
    """Link bandwidth [byte/s] at which both exchanges of a step take as long as its routed experts, latency 0.

    Exchange times fall with the bandwidth in proportion, experts' times do not know it.
    """
    terms = times_of_step(**given)
    wires = terms.get("dispatch", 0.0) + terms.get("combine", 0.0)
    return float(Setting.of(**given).point[BW_Int]) * wires / terms["routed_experts"]


WORDS = {"times_of_step": times_of_step, "longest_term": longest_term, "even_bandwidth": even_bandwidth}
