"""Parameters that only the notebooks of the thesis have: shares of cost, acceptance rates."""

from analysis.ask.asked import Asked, asked
from analysis.files.errors import InputError, shown


def asked_with(names: dict) -> tuple[Asked, dict[str, list[float]]]:
    """A notebook's parameters (`asked`), and by name those that are lists of its own. Raises InputError."""
    question = asked(names)
    return question, {name: numbers(name, given) for name, given in question.own.items()}


def numbers(name: str, given) -> list[float]:
    """Numbers of 0 to 1 from text (or a list), separated by commas. Raises InputError.

    >>> numbers("acceptances", "0.5,1")
    [0.5, 1.0]
    """
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list | tuple) else [given]
    try:
        found = [float(part) for part in parts]
    except (TypeError, ValueError):
        found = []
    if not found or not all(0 <= each <= 1 for each in found):
        raise InputError(
            f"{name}={shown(given)}: allowed are numbers from 0 to 1, separated by commas, for example {name}=0.5,0.7."
        )
    return found
