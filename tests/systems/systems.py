"""The paper's three systems as parameters of `evaluate`, for the tests of the system equations."""

from functools import cache

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import serving
from analysis.derive.symbols import BY_NAME
from analysis.systems import system
from analysis.systems.quantities import evaluate

from . import longhand

DEVICE = {"accelerator": "b200-paper", "link": "nvlink5-b200", "n_acc": 32}
SYSTEMS = {
    "gpt3": {"model": "gpt3-175b", "deg_TP": 8, **DEVICE},
    "llama4": {"model": "llama-4-maverick", "deg_TP": 8, "deg_EP": 32, **DEVICE},
    "r1": {"model": "deepseek-v3", "deg_TP": 1, "deg_EP": 32, **DEVICE},
}
STEP = {"B": longhand.REQUESTS, "L": longhand.CONTEXT}


def at(name: str, **more) -> Setting:
    """The setting of a system with parameters added or replaced."""
    return Setting.of(**{**SYSTEMS[name], **more})


@cache
def form(name, quantity="tpot", book="eq11", **more):
    """A closed form, built once."""
    setting = at(name, **more)
    given_to = (setting.architecture, setting.conventions, system.system(setting))
    return serving.tpot(*given_to) if quantity == "tpot" else getattr(serving, quantity)(*given_to, serving.Book(book))


def point(name, deg_TP=None, **sizes):
    """A system's point with symbols replaced; deg_TP divides the same 32 accelerators."""
    setting = at(name) if deg_TP is None else at(name, deg_TP=deg_TP)
    return setting.point | {BY_NAME[symbol]: size for symbol, size in sizes.items()}


def number(expression, at_point):
    return float(value(expression, at_point))


def terms(name, **more) -> dict[str, float]:
    """Terms of TPOT [s] at the batch and context of the longhand."""
    return evaluate("tpot_terms", at(name, **{**STEP, **more})).value


def tpot(name, **more) -> float:
    """TPOT [s] at the batch and context of the longhand."""
    return evaluate("tpot", at(name, **{**STEP, **more})).value
