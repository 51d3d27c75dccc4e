"""The propositions' proofs as the book shows them: each line a closed form that the code produces."""

from collections.abc import Callable, Mapping

from sympy import Add, Expr, Integer, Pow

from analysis.derive.statements import proof_of_attention, proof_of_balance
from analysis.derive.statements.of_attention import MLA, REORDERED
from analysis.derive.statements.proposition import Proposition
from analysis.derive.statements.propositions import PROPOSITIONS
from analysis.derive.statements.steps import Proof
from analysis.derive.symbols import acceptance, causal, deg_EP, n_acc
from analysis.files.errors import InputError, choices
from analysis.render.digits import digits_of
from analysis.render.latex import WIDTHS, display, tidy, upright
from analysis.thesis.trials import trial

RATES = proof_of_balance.RATES
SPANNING = {causal: Integer(1)}
NUMBERS = ("first", "second", "third", "fourth")

PROOFS: dict[str, Callable[[], Proof]] = {
    name.removeprefix("thesis-"): each.proof for name, each in PROPOSITIONS.items() if each.proof()
}


def proposition(name: str) -> str:
    """The block of a proposition, labelled `prop-NAME`. Raises InputError for another name."""
    found = _found(name)
    return f"```{{prf:proposition}} {found.title}\n:label: {found.label}\n\n{found.statement}\n```"


def without(name: str) -> str:
    """What fails without each hypothesis, at a point that the search found. Raises InputError for another name."""
    points = trial(name).dropped
    said = [(each, points.get(each.name)) for each in _found(name).hypotheses]
    found = [
        f"Without the {number}: {told(each.without, point)}."
        for number, (each, point) in zip(NUMBERS, said, strict=False)
        if point
    ]
    return " ".join(found).replace(":", " hypothesis:", 1)


def _found(name: str) -> Proposition:
    if name not in PROPOSITIONS:
        raise InputError(f"{name}: there is no such proposition; allowed are {choices(PROPOSITIONS)}.")
    return PROPOSITIONS[name]


class _Digits(float):
    """A number that a sentence shows at three significant digits, or at as many as the sentence says."""

    def __format__(self, digits: str) -> str:
        return digits_of(float(self), int(digits or 3))


def told(sentence: str, point: Mapping[str, float | str]) -> str:
    """A sentence with the numbers of a point.

    >>> told("it takes {ratio} times as long", {"ratio": 0.51832})
    'it takes 0.518 times as long'
    """
    shown = {name: each if isinstance(each, str) else _Digits(each) for name, each in point.items()}
    return sentence.format(**shown)


def proof(name: str) -> str:
    """A proof as one equation labelled `eq-thesis-NAME`, each line under the reason why it holds.

    Decode, every score pair computed; one group of experts where the proof of the device speaks of experts.
    Raises InputError for an unknown name.
    """
    if name not in PROOFS:
        raise InputError(f"proof({name!r}): there is no such proof; allowed are {choices(PROOFS)}.")
    replaced = SPANNING | ({deg_EP: n_acc} if name == "device" else {})
    rows = [(upright(step.left), _tidy(step.form, replaced), step.remark) for step in PROOFS[name]()]
    return display(rows, f"eq-thesis-{name}")


def _tidy(form: Expr, replaced: dict) -> Expr:
    form = form.xreplace(replaced)
    if form.has(acceptance) or any(power.exp.free_symbols for power in form.atoms(Pow)):  # geometric sums, as derived
        return form
    apart = form.is_Add and (form.has(*RATES) or not form.has(*WIDTHS))  # times of several kinds, or counts
    return Add(*map(tidy, form.args), evaluate=False) if apart else tidy(form)


def flip(name: str) -> str:
    """A flip point's closed form as an equation labelled `eq-thesis-flip-NAME`. Raises InputError."""
    forms = {
        "context": (r"L^{\star}", proof_of_attention.context_at_ridge(MLA, REORDERED)),
        "tokens": (r"T_{e}^{\star}", proof_of_attention.even_tokens()),
        "heads": (r"n_{hd}^{\star}", proof_of_attention.even_heads(MLA, REORDERED)),
        "batch": (r"B^{\star}", proof_of_balance.balanced_batch()),
    }
    if name not in forms:
        raise InputError(f"flip({name!r}): there is no such flip point; allowed are {choices(forms)}.")
    left, form = forms[name]
    shown = _tidy(form, SPANNING | {deg_EP: n_acc})
    return display([(upright(left), shown, "")], f"eq-thesis-flip-{name}")
