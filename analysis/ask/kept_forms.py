"""A compiled form: what a number needs of a closed form, kept between processes under all that the form follows from.

So a number is answered without sympy: another batch, context, chip or model of a known shape leads to a form that is
kept. Forms that are not kept, and what only the form itself can tell, are derived when they are asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from importlib.metadata import version

from analysis.ask import numbers
from analysis.ask.forms import Led, Store, answers, derived, names_of
from analysis.ask.programs import Program, Several
from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.files.kept import MISSING, STUDY, keep, look

_STORE = Store()


@dataclass(frozen=True)
class Compiled:
    """A closed form as its program: the symbols that it takes, whether it is a polynomial in them, and what names it.

    Forms are equal where their digests are. `derive` makes the form itself.
    """

    symbols: tuple[str, ...]
    polynomial: bool
    digest: str
    derive: Callable = field(compare=False, repr=False)

    @classmethod
    def of(cls, form, derive: Callable) -> "Compiled":
        """That of a closed form; `derive` makes it again."""
        symbols = tuple(sorted(names_of(form)))
        made = cls(symbols, bool(form.is_polynomial()), numbers.digest(form), derive)
        made.__dict__["program"] = numbers.compiled(form)[0]  # spares reading it
        return made

    @cached_property
    def program(self) -> Callable:
        """The program, or the function that sympy writes where the form is more than arithmetic."""
        kept = numbers.program(self.digest)
        return numbers.compiled(self.derive())[0] if kept is None else kept

    def value(self, given: Mapping[str, object]):
        """The form's value at numbers by name; arrays of equal shape are taken element by element.

        Raises InputError for a symbol to which no number is given.
        """
        numbers.refuse_missing(name for name in self.symbols if name not in given)
        return numbers.run(self.program, [given[name] for name in self.symbols])

    def exact(self, given: Mapping[str, object]) -> int | float:
        """A polynomial's value for one point without arrays: integers stay integers, whatever their size."""
        found = self._in_fractions(*(_fraction(given[name]) for name in self.symbols))
        return int(found) if found.denominator == 1 else float(found)

    @cached_property
    def _in_fractions(self) -> Program:
        program = self.program
        return Program(program.inputs, tuple(map(_fraction, program.numbers)), program.steps, program.result)

    def along(self, name: str, given: Mapping[str, object]) -> Callable:
        """The form as a function of one of its symbols, for searches: what stays is computed once.

        Raises InputError as `value`.
        """
        if name not in self.symbols or not isinstance(self.program, Program):
            return lambda at: self.value({**given, name: at})
        numbers.refuse_missing(each for each in self.symbols if each not in given and each != name)
        fixed = (None if each == name else numbers.number(given[each]) for each in self.symbols)
        at = self.program.along(name, *fixed)
        return lambda moving: at(numbers.number(moving))


Forms = Compiled | dict[str, Compiled]


def values(forms: Mapping[str, Compiled], given: Mapping[str, object]) -> dict[str, object]:
    """`Compiled.value` of several forms by name, to the last bit; what they have in common is computed once.

    Raises InputError as `Compiled.value`.
    """
    programs, names = _together(tuple(forms.values()))
    numbers.refuse_missing(name for name in names if name not in given)
    found = numbers.run_together(programs, [given[name] for name in names])
    return dict(zip(forms, found or (form.value(given) for form in forms.values()), strict=True))


@lru_cache(maxsize=256)
def _together(forms: tuple[Compiled, ...]) -> tuple[Several | None, tuple[str, ...]]:
    """The programs of forms as one, None where a form has no program, and the symbols that it takes."""
    return numbers.several([form.program for form in forms]), tuple(dict.fromkeys(n for f in forms for n in f.symbols))


def _fraction(given) -> Fraction:
    """A number as its shortest decimal says it."""
    return Fraction(given) if isinstance(given, int) else Fraction(str(float(given)))


def compiled(derive: Callable[[Setting], object], setting: Setting, name: str = "") -> Forms:
    """What a derivation makes of a setting, a form or a dict of them, compiled; `name` is that of the derivation.

    Raises InputError as the derivation does.
    """
    name = name or f"{derive.__module__}.{derive.__qualname__}"
    found = _STORE.look(name, setting)
    found = _looked_up(name, derive, setting) if found is None else found
    found = _made(name, derive, setting) if found is None else found
    if isinstance(found, str):
        raise InputError(found)
    return found


def _looked_up(name: str, derive: Callable, setting: Setting) -> "Forms | str | None":
    """What any process kept of a derivation, compiled forms or a refusal in words; None where there is nothing."""
    for asked in _routes(name):
        data = look(_key(name, setting, asked), *STUDY)
        if data is not MISSING:
            return _STORE.keep(name, setting, asked, data if isinstance(data, str) else _read(data, derive, setting))
    return None


def _made(name: str, derive: Callable, setting: Setting) -> "Forms | str":
    """What the derivation makes, which is kept."""
    leading = Led.by(setting)
    try:
        made = _each(derive(leading), lambda form, part: Compiled.of(form, _again(derive, setting, part)))
    except InputError as refusal:
        made = str(refusal)
    _remember(name, setting, leading.asked, made)
    return _STORE.keep(name, setting, leading.asked, made)


def _each(forms, make: Callable) -> Forms:
    """What is made of a form, or of each of several by name."""
    if isinstance(forms, dict):
        return {part: make(each, part) for part, each in forms.items()}
    return make(forms, "")


def _again(derive: Callable, setting: Setting, part: str) -> Callable:
    return lambda: derived(derive, setting)[part] if part else derived(derive, setting)


def forget() -> None:
    """Look every compiled form up anew from here on."""
    _STORE.clear()


# -- between processes ---------------------------------------------------------------------------
def _read(data, derive: Callable, setting: Setting) -> Forms:
    def one(told: list, part: str) -> Compiled:
        symbols, polynomial, digest = told
        return Compiled(tuple(symbols), polynomial, digest, _again(derive, setting, part))

    return _each(data, one)


def _routes(name: str) -> list[tuple]:
    """What the derivation of this name was seen to ask for, in any process."""
    found = look(_route(name), *STUDY)
    return [] if found is MISSING else [tuple(map(_asked, each)) for each in found]


def _asked(each):
    return each if isinstance(each, str) else tuple(tuple(part) if isinstance(part, list) else part for part in each)


def _remember(name: str, setting: Setting, asked: tuple, made: "Forms | str") -> None:
    data = made if isinstance(made, str) else _each(made, lambda each, _: [each.symbols, each.polynomial, each.digest])
    keep(_key(name, setting, asked), data, *STUDY)
    routes = _routes(name)
    if asked not in routes:
        keep(_route(name), [*routes, asked], *STUDY)


def _route(name: str) -> str:
    return f"what {name} asks for, sympy {_sympy()}"


@cache
def _sympy() -> str:
    """The version of sympy, which need not be loaded for it."""
    return version("sympy")


def _key(name: str, setting: Setting, asked: tuple) -> str:
    """The content of all that was asked for, in words: rows and shapes say all of theirs."""
    return f"{_route(name)}: {asked} is {answers(setting, asked)}"
