"""Notes on limits: batches beyond memory, contexts beyond the model, what the counted step leaves out.

Every function in `KINDS` is one kind of note: it gets the answer's case and yields sentences.
"""

from collections.abc import Callable, Iterator

import numpy as np

from analysis import derive
from analysis.ask.degrees import domain_note
from analysis.ask.kept_forms import compiled
from analysis.ask.setting import Setting
from analysis.ask.structure import in_words
from analysis.data.lines import caching_first, cuts_prompts
from analysis.data.model_row import mechanism_columns
from analysis.systems import system
from analysis.systems.notes_case import Case, gb, percents, shown, some, which


def over_memory(case: Case):
    """Where B exceeds B_cap; None where the number depends on no batch, or the setting describes no system."""
    batch = case.at("B")
    return None if batch is None or case.cap is None else np.greater(batch, case.cap)


def over_context(case: Case):
    """Where L exceeds the longest context of the model; None where the number depends on none."""
    longest = case.setting.model.context_max if "model" in case.setting.given else None
    return None if case.at("L") is None or longest is None else np.greater(case.at("L"), longest)


# -- memory ----------------------------------------------------------------------------------------
def batch_beyond_memory(case: Case) -> Iterator[str]:
    """A batch that memory does not hold."""
    over = over_memory(case)
    if over is not None and np.any(over):
        batch = which("B", case.at("B"), over)
        yield f"{batch} exceeds B_cap={some(case.cap, over)}, the largest batch that memory holds."


def no_batch_fits(case: Case) -> Iterator[str]:
    """Why memory holds no batch at all."""
    if case.cap is None or not (case.wanted.name == "B_cap" or "B" in case.used) or np.any(case.cap):
        return
    setting, numbers = case.setting, case.setting.numbers
    held, each = (float(np.min(form.value(numbers))) for form in compiled(_weights_and_request, setting).values())
    room = float(np.max(compiled(system.B_cap, setting).value(numbers))) * each
    if room <= 0:
        yield f"no batch fits: weights of {gb(held)} do not fit in the memory of {gb(room + held)}{_of(numbers)}."
    elif room < each:
        yield (
            f"no batch fits: weights leave {gb(room)} of {gb(room + held)}{_of(numbers)}, and one request takes "
            f"{gb(each)} at L={shown(setting['L'])}."
        )
    else:
        yield f"no batch fits: memory holds {room / each:.3g} requests, fewer than deg_DP={shown(numbers['deg_DP'])}."


def _weights_and_request(setting: Setting) -> dict:
    kept, weights = system.book(setting), system.weights_per_accelerator(setting) * derive.symbols.n_acc
    chosen = setting.architecture, setting.conventions, kept.weights, kept.activations
    return {"weights": weights, "request": derive.capacity.request_bytes(*chosen)}


def _of(numbers) -> str:
    count, memory = numbers["n_acc"], gb(float(np.max(numbers["M_cap"])))
    return f" ({shown(count)} x {memory})" if np.max(count) > 1 else ""


def batch_in_time_beyond_memory(case: Case) -> Iterator[str]:
    """A batch that is in time, and that memory does not hold; or none that is in time."""
    if case.wanted.name != "B_SLO":
        return
    found = np.asarray(system.B_SLO_value(case.setting))
    if case.cap is not None and np.any(over := np.greater(found, case.cap)):
        batch, cap = which("B_SLO", found, over), some(case.cap, over)
        yield f"{batch} exceeds B_cap={cap}, the largest batch that memory holds."
    if np.any(none := np.equal(found, 0)):
        alone = compiled(system.tpot, case.setting).value(case.setting.numbers | {"B": 1.0})
        asked = which("slo", case.setting["slo"], none)
        yield f"no batch meets {asked}: one request alone takes {some(alone, none)} s."


# -- the step --------------------------------------------------------------------------------------
def context_beyond_model(case: Case) -> Iterator[str]:
    """A context that the model was not made for."""
    over = over_context(case)
    if over is not None and np.any(over):
        context, model = which("L", case.at("L"), over), case.setting.model
        yield f"{context} exceeds the longest context of {model.name}, {model.context_max} tokens."


def which_kind(case: Case) -> Iterator[str]:
    """Of which blocks a quantity of one block speaks, where a model has several kinds of attention."""
    if not case.wanted.of_block or "model" not in case.setting.given:
        return
    row = case.setting.model
    lead, *others = caching_first(row.attending)
    if in_words(row) is None and any(kind.attends != lead.attends for kind in others):
        blocks = sum(kind.blocks for kind in (lead, *others) if kind.attends == lead.attends)
        named = f"{lead.attends}, which {blocks} of {row.n_dec} blocks have"
        yield f"{case.wanted.name} is of a block of {named}; other kinds stand beside it."


def within_core(case: Case) -> Iterator[str]:
    """What the term of core attention holds beside attention to rows."""
    if case.wanted.name != "tpot_terms" or "model" not in case.setting.given:
        return
    times = {title: form.value(case.setting.numbers) for title, form in compiled(_core_times, case.setting).items()}
    beside = [title for title in times if not title.startswith("core attention")]
    if beside:
        shares = ", ".join(f"{title} {percents(times[title] / sum(times.values()))}" for title in beside)
        yield f"core_attention holds more than attention to rows; of its roofline time are {shares}: see stage_times."


def _core_times(setting: Setting) -> dict:
    from analysis.systems.layers import core_times  # sympy and all; numbers of kept forms do without

    return core_times(setting)


def picks_everything(case: Case) -> Iterator[str]:
    """A context of which queries pick every row."""
    most = _most_picked(case.setting.model) if case.at("L") is not None and "model" in case.setting.given else 0
    if most and np.any(under := np.less_equal(case.at("L"), most)):
        yield (
            f"{which('L', case.at('L'), under)} holds no more than a query may pick ({most} tokens): every row is "
            "attended to, and the index is computed beside that."
        )


def _most_picked(row) -> int:
    """Tokens of which a query of a model may pick all rows; 0 where none picks."""
    sizes = [row.sizes_of(kind) for kind in row.attending if {"L_top", "n_top"} & {*mechanism_columns(kind.attention)}]
    return max((s["n_top"] * s["L_blk"] if "n_top" in s else s["L_top"] * s.get("L_str", 1) for s in sizes), default=0)


def queries_beyond_context(case: Case) -> Iterator[str]:
    """More query tokens than the context holds."""
    queries, context = case.at("l"), case.setting["L"]
    if queries is not None and context is not None and np.any(over := np.greater(queries, context)):
        yield f"{which('l', queries, over)} exceeds L={some(context, over)}: the context holds the step's own tokens."


def states_of_drafts(case: Case) -> Iterator[str]:
    """A step of several query tokens where blocks keep states, of each of which there are as many."""
    queries = case.at("l") if "width_state" in case.used and case.setting["phase"] == "decode" else None
    if (
        queries is None
        or not np.any(several := np.greater(queries, 1))
        or not cuts_prompts(case.setting.model.attending)
    ):
        return
    yield (
        f"{which('l', queries, several)}: a step reads a state once and leaves one for each query token, as any draft "
        "may be the last that is accepted; an engine that repeats accepted tokens instead leaves one."
    )


def queries_in_prefill(case: Case) -> Iterator[str]:
    """Prefill whose query tokens were given."""
    given = case.setting["l"]
    if given is not None and case.setting["phase"] == "prefill" and case.at("l") is not None:
        yield f"phase=prefill means l=L, and l={shown(given)} given beside it is what was used."


def uneven_batch(case: Case) -> Iterator[str]:
    """A batch that its groups do not share evenly."""
    batch, groups = case.at("B"), case.at("deg_DP")
    if batch is None or groups is None or not np.any(over := np.mod(batch, groups) != 0):
        return
    yield (
        f"{which('B', batch, over)} is no multiple of deg_DP={some(groups, over)}; each group is counted with the "
        "mean, and the busiest holds more."
    )


def one_group_holds_all(case: Case) -> Iterator[str]:
    """Two levels of network of which the outer carries nothing."""
    if "BW_out" in case.used and np.all(np.greater_equal(case.at("n_group"), case.at("deg_EP"))):
        group, experts = (shown(case.at(each)) for each in ("n_group", "deg_EP"))
        yield f"link_between carries nothing: one group={group} holds all deg_EP={experts} accelerators of the experts."


def wires_beyond_their_network(case: Case) -> Iterator[str]:
    """More accelerators than one network of the link joins."""
    if "BW_Int" in case.used and (sentence := domain_note(case.setting)):
        yield sentence


def fewer_than_a_token(case: Case) -> Iterator[str]:
    """A mean over experts of which most are not read."""
    if case.wanted.name != "expert_intensity" or "B" not in case.setting.given:
        return
    tokens = compiled(_tokens_of_expert, case.setting).value(case.setting.numbers)
    if np.any(under := np.less(tokens, 1)):
        yield (
            f"an expert gets {some(tokens, under)} tokens on average, most get none and are not read; one that is "
            "read serves at least one token: see the value beside."
        )


def _tokens_of_expert(setting: Setting):
    return derive.parallel.single_expert()[derive.symbols.T_e]


def queues_not_modelled(case: Case) -> Iterator[str]:
    """A time to first token without the wait for it."""
    if case.wanted.name == "ttft":
        yield (
            "a request waits for no other here; engines make it queue for memory and for prompts before it, which "
            "takes most of a measured time to first token under load: `python -m analysis deployments` compares."
        )


KINDS: tuple[Callable[[Case], Iterator[str]], ...] = (
    *(batch_beyond_memory, batch_in_time_beyond_memory, no_batch_fits, context_beyond_model),
    *(which_kind, within_core, picks_everything),
    *(queries_beyond_context, states_of_drafts, queries_in_prefill),
    *(uneven_batch, one_group_holds_all, fewer_than_a_token, wires_beyond_their_network, queues_not_modelled),
)
