"""A serving system in a setting: the system's closed forms, and the integer batches that limits leave.

Times are per output token: those of a step over the tokens that a request gains in it, one unless drafts are accepted.
Sympy, and what needs it, is imported late: numbers of kept forms do without.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from analysis import derive
from analysis.ask.degrees import check_degrees
from analysis.ask.kept_forms import compiled
from analysis.ask.setting import Setting
from analysis.files.errors import InputError

if TYPE_CHECKING:  # numbers of kept forms do without
    from sympy import Expr

LARGEST_BATCH = 2.0**52  # beyond, a float no longer counts single requests
AT_ONCE = 256  # batches that a search tries together: it costs little more than one
MOST_QUERIES = 64  # query tokens of a step with drafts; far beyond what any acceptance short of 1 rewards


def system(setting: Setting) -> "derive.serving.System":
    """The discrete choices of the serving system."""
    levels = "two" if setting.two_levels else "one"
    return derive.serving.System(levels, "accelerator_experts" in setting.given, setting["overlap"], setting.layout)


def tokens_per_step(setting: Setting) -> "Expr":
    """Tokens that a request gains in a step on average [tokens]; 1 where no draft is accepted. Raises InputError."""
    if not np.any(setting["acceptance"]):
        return derive.speculation.expected_tokens(1, 1)
    if setting["phase"] == "prefill":
        raise InputError("acceptance= speaks of drafts, and prefill has none; leave it out, or choose phase=decode.")
    most = np.max(setting.queries)
    if most > MOST_QUERIES:
        raise InputError(f"l={most:g}: with acceptance= allowed are up to {MOST_QUERIES} query tokens; give fewer.")
    several = isinstance(setting.queries, np.ndarray)
    if several:
        return derive.speculation.tokens_up_to(int(most))
    return derive.speculation.expected_tokens(derive.symbols.acceptance, int(most))


def _timing(setting: Setting):
    from analysis.systems.timing import timing

    return timing(setting)


def terms(setting: Setting) -> "dict[str, Expr]":
    """Terms of TPOT [s] by name; with OSL= also what the prompts of others add."""
    chosen = setting.architecture, setting.conventions, system(setting)
    found = derive.serving.tpot_terms(*chosen, _timing(setting))
    gained = tokens_per_step(setting)
    found = found if gained == 1 else {name: term / gained for name, term in found.items()}
    if setting["OSL"] is None or setting["phase"] == "prefill":
        return found
    return found | {derive.serving.OTHERS: derive.serving.prefill_of_others(tpot(prefilling(setting)))}


def tpot(setting: Setting) -> "Expr":
    """TPOT [s]."""
    if setting["OSL"] is not None:
        return derive.serving.summed(terms(setting), setting["overlap"])
    step = derive.serving.tpot(setting.architecture, setting.conventions, system(setting), _timing(setting))
    return step / tokens_per_step(setting)


def prefilling(setting: Setting) -> Setting:
    """The same system while it prefills whole prompts, in the order that suits them; no drafts, no half batches."""
    overlap = "comm" if setting["overlap"] == derive.serving.HALVES else setting["overlap"]
    return setting.with_(phase="prefill", l=None, order=None, acceptance=None, OSL=None, overlap=overlap)


def ttft(setting: Setting) -> "Expr":
    """Time to first token of a request that waits for nobody [s]: its prompt prefilled, one on each group."""
    prompt = derive.symbols.L if setting["OSL"] is None else derive.serving.prompt_length()
    return derive.serving.of_prompts(tpot(prefilling(setting)), prompt)


def launch_floors(setting: Setting) -> "Expr":
    """What launches of kernels and exchanges take of a step's time per output token [s]; 0 on the bare roofline."""
    from analysis.systems.timing import floors

    return _summed(setting, floors(setting))


def B_launch(setting: Setting):
    """Largest whole batch [requests] in whose step of decode launches take at least half of the time; 0 if none."""
    setting = setting.with_(OSL=None)
    form, numbers = compiled(_launches_over_work, setting), setting.numbers
    at = form.along("B", numbers)
    shape = np.broadcast_shapes(*(np.shape(number) for name, number in numbers.items() if name != "B"))

    def launching(batch):
        with np.errstate(all="ignore"):
            return at(batch) >= 0

    return _bisected(launching, *_bracket(launching, np.ones(shape)))


def _launches_over_work(setting: Setting) -> "Expr":
    return 2 * launch_floors(setting) - tpot(setting)


def typical_error(setting: Setting) -> "Expr":
    """What a calibrated step may be off [s] if all of its kernels err alike, each by the median error of its kind."""
    from analysis.systems.timing import errors

    return _summed(setting, errors(setting))


def _summed(setting: Setting, parts) -> "Expr":
    step = derive.serving.tpot_terms(setting.architecture, setting.conventions, system(setting), parts)
    return derive.serving.summed(step, "none") / tokens_per_step(setting)


def book(setting: Setting) -> "derive.serving.Book":
    """How the setting keeps the memory book."""
    return derive.serving.Book(setting["weights"], setting["activation"] == "counted")


def tpot_bound(setting: Setting) -> "Expr":
    """Lower bound of TPOT [s]."""
    return derive.serving.tpot_bound(setting.architecture, setting.conventions, system(setting)) / tokens_per_step(
        setting
    )


def tpot_eq12(setting: Setting) -> "Expr":
    """TPOT as Eq. 12 has it [s]."""
    step = derive.serving.tpot_eq12(setting.architecture, setting.conventions, system(setting), book(setting))
    return step / tokens_per_step(setting)


def B_SLO_eq12(setting: Setting) -> "Expr":
    """Batch [requests] that Eq. 12 admits under the SLO, not rounded."""
    form = derive.serving.B_SLO_eq12(setting.architecture, setting.conventions, system(setting), book(setting))
    allowed = derive.symbols.SLO
    return form.xreplace({allowed: allowed * tokens_per_step(setting)})


def B_SLO_eq12_found(setting: Setting) -> "Expr":
    """The same; 0 where Eq. 12 admits no batch."""
    from sympy import Max

    return Max(0, B_SLO_eq12(setting))


def B_cap(setting: Setting) -> "Expr":
    """Batch that fits memory [requests], not rounded."""
    kept = book(setting)
    return derive.capacity.B_cap(
        setting.architecture, setting.conventions, kept.weights, kept.activations, setting.layout
    )


def weights_per_accelerator(setting: Setting) -> "Expr":
    """Weight bytes on one accelerator [byte], as the memory book counts them."""
    return derive.capacity.weights_per_accelerator(setting.architecture, setting["weights"], setting.layout)


def kv_bytes_per_accelerator(setting: Setting) -> "Expr":
    """Cached bytes of one token on each accelerator of the group that serves its request [byte]: heads are divided.

    With windowed blocks the mean over L tokens.
    """
    divided = {axis: size for axis, size in derive.parallel.sharded().items() if axis != derive.symbols.B}
    return derive.decoder.kv_bytes_per_token(setting.architecture, setting.conventions).xreplace(divided)


def rounded(batch, setting: Setting):
    """A batch rounded as the setting says; never below 0."""
    batch = np.maximum(batch, 0)
    if setting["rounding"] == "none":
        return batch
    step = setting.numbers["deg_DP"] if setting["rounding"] == "per_group" else 1
    return np.floor(batch / step) * step


def B_cap_value(setting: Setting):
    """B_cap [requests] (Eq. 11), rounded by the convention `rounding`."""
    form = compiled(B_cap, setting)
    check_degrees(setting.numbers, form.symbols)
    return rounded(form.value(setting.numbers), setting)


def B_SLO_value(setting: Setting, most=None):
    """Largest whole batch with TPOT <= slo [requests], 0 if none; it is not looked for far beyond `most`.

    Raises InputError without an SLO.
    """
    return _largest_within(tpot, setting, most)


def B_SLO_form(setting: Setting) -> "Expr":
    """What is at least 0 as long as a batch is in time [s]."""
    return derive.symbols.SLO - tpot(setting)


def B_SLO_bound(setting: Setting):
    """Upper bound of B_SLO [requests]: the largest whole batch whose lower bound of TPOT is within the SLO."""
    return _largest_within(tpot_bound, setting)


def _largest_within(time: "Callable[[Setting], Expr]", setting: Setting, most=None):
    """The largest whole batch [requests] with a time within the SLO, by bisection: the time never falls with B."""
    if setting["slo"] is None:
        raise InputError("slo= is needed: the time allowed per output token in seconds, for example slo=0.02.")
    form, numbers = compiled(time, setting), setting.numbers
    check_degrees(numbers, form.symbols)
    shape = np.broadcast_shapes(*(np.shape(number) for name, number in numbers.items() if name != "B"))
    at = form.along("B", numbers)

    def fits(batch):
        with np.errstate(all="ignore"):
            return at(batch) <= np.asarray(setting["slo"])

    if most is None:
        return _bisected(fits, *_bracket(fits, np.ones(shape)))
    return _bisected(fits, np.zeros(shape), np.clip(np.floor(most) + 2, 1, LARGEST_BATCH))


def B_SLO_found(setting: Setting):
    """B_SLO [requests] as an answer. Raises InputError, too, where the search came to its end: no batch is too many."""
    found = B_SLO_value(setting)
    if np.any(found >= LARGEST_BATCH - 1):
        raise InputError(
            f"slo={np.max(setting['slo']):g}: every batch up to {LARGEST_BATCH:.2g} requests meets it; give a smaller "
            "slo (in seconds)."
        )
    return found


def _bracket(fits, high):
    """Batches around the largest that fits: below it (0 if none fits) and above it, found by doubling."""
    low = np.zeros_like(high)
    while np.any(inside := fits(high) & (high < LARGEST_BATCH)):
        low, high = np.where(inside, high, low), np.where(inside, 2 * high, high)
    return low, high


def _bisected(fits, low, high):
    """The largest whole batch in [low, high) that fits; where points are few, many batches are tried at a time."""
    low, high = np.broadcast_arrays(low, high)
    parts = np.linspace(0, 1, max(3, AT_ONCE // max(1, low.size)))[1:-1].reshape(-1, *[1] * low.ndim)
    while np.any(high - low > 1):
        tried = np.floor(low + parts * (high - low))
        inside = np.count_nonzero(fits(tried) | (tried <= low), axis=0, keepdims=True)
        edges = np.concatenate([low[None], tried, high[None]])
        low, high = (np.take_along_axis(edges, inside + above, axis=0)[0] for above in (0, 1))
    return low
