"""What a reader must know beside a number: a sentence each, with the limit in numbers; nothing where all is well."""

from analysis.ask.setting import Setting
from analysis.systems import notes_inputs, notes_limits
from analysis.systems.notes_case import Case
from analysis.systems.quantity import Quantity


def notes(
    wanted: Quantity, setting: Setting, typed: tuple[str, ...] = (), asked: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """All that must be said of a quantity in a setting, most important first."""
    case = Case(wanted, setting, typed, asked)
    return tuple(sentence for kind in (*notes_limits.KINDS, *notes_inputs.KINDS) for sentence in kind(case))
