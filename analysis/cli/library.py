"""What a notebook of a reader's own calls: one number, one answer, one plan, in a line each."""

from typing import TYPE_CHECKING

from analysis.ask.setting import Setting
from analysis.systems.quantities import Answer, all_quantities, evaluate, value_of

if TYPE_CHECKING:  # numbers of kept forms do without sympy
    from analysis.systems.plan import Plan


def number(quantity: str, setting: Setting | None = None, /, **given):
    """The value of a quantity in SI units: a number, an array where a list was given, a dict for a breakdown.

    Raises InputError for anything that cannot be read, is missing, or does not exist for the model.

    >>> number("kv_bytes_per_token", model="deepseek-v3")
    70272
    """
    return value_of(quantity, setting or Setting.of(**given))


def answer(quantity: str, setting: Setting | None = None, /, **given) -> Answer:
    """The same with unit, closed form, equation label and the conventions used. Raises InputError.

    >>> answer("ridge_point", accelerator="b200-paper").unit
    'FLOP/byte'
    """
    return evaluate(quantity, setting, **given)


def plan(**given) -> "list[Plan]":
    """Every feasible way to serve a model, the most tokens per second and accelerator first. Raises InputError.

    >>> plan(model="deepseek-v3", accelerator="b200-sxm", n_acc=32, L=8192, slo=0.05)[0].degrees["deg_EP"]
    32
    """
    from analysis.systems.plan import plans  # sympy and all

    return plans(Setting.of(**given))


def quantities() -> dict[str, str]:
    """What can be computed: name to meaning and unit.

    >>> quantities()["ridge_point"]
    'arithmetic peak over memory bandwidth [FLOP/byte]'
    """
    return {each.name: f"{each.title} [{each.unit}]" for each in all_quantities()}
