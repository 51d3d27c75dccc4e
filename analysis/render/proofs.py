"""The propositions' proofs as the book shows them: each line a closed form that the code produces."""

from collections.abc import Callable

from sympy import Add, Expr, Integer

from analysis.derive.attention import MECHANISMS
from analysis.derive.block import Architecture, Conventions
from analysis.derive.symbols import acceptance, causal, deg_EP, n_acc
from analysis.derive.thesis import attention, attribution, balance, parallel, queries
from analysis.derive.thesis.steps import Proof
from analysis.errors import InputError, choices
from analysis.render.latex import WIDTHS, display, tidy, upright

REORDERED = Conventions("reordered")
MLA = Architecture("MLA", experts=True, shared=True)
RATES = balance.RATES
SPANNING = {causal: Integer(1)}

PROOFS: dict[str, Callable[[], Proof]] = {
    "full-memory": lambda: attention.full_memory_proof(MLA, REORDERED),
    "balance": balance.balance_proof,
    "device": attention.device_proof,
    "tensor": lambda: parallel.core_under_tensor_parallelism(MECHANISMS["MLA"], REORDERED),
    "elasticity": balance.elasticity_proof,
    "attribution": attribution.attribution_proof,
    "queries": lambda: queries.query_tokens_proof(MECHANISMS["MLA"], REORDERED),
    "schedule": balance.tokens_proof,
}


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
    if form.has(acceptance):  # a geometric sum reads best as derived
        return form
    apart = form.is_Add and (form.has(*RATES) or not form.has(*WIDTHS))  # times of several kinds, or counts
    return Add(*map(tidy, form.args), evaluate=False) if apart else tidy(form)


def flip(name: str) -> str:
    """A flip point's closed form as an equation labelled `eq-thesis-flip-NAME`. Raises InputError."""
    forms = {
        "context": (r"L^{\star}", attention.context_at_ridge(MLA, REORDERED)),
        "tokens": (r"T_{e}^{\star}", attention.even_tokens()),
        "heads": (r"n_{hd}^{\star}", attention.even_heads(MLA, REORDERED)),
        "batch": (r"B^{\star}", balance.balanced_batch()),
    }
    if name not in forms:
        raise InputError(f"flip({name!r}): there is no such flip point; allowed are {choices(forms)}.")
    left, form = forms[name]
    shown = _tidy(form, SPANNING | {deg_EP: n_acc})
    return display([(upright(left), shown, "")], f"eq-thesis-flip-{name}")


WORDS = {"proof": proof, "flip": flip}
