"""What a reader must know beside a number: a sentence each, with the limit in numbers; nothing where all is well.

Every function here is one kind of note. It gets the answer's case and yields sentences.
"""

from collections.abc import Callable, Iterator

import numpy as np

from analysis import derive
from analysis.ask.degrees import domain_note
from analysis.ask.kept_forms import compiled
from analysis.ask.parameters import PARAMETERS
from analysis.ask.setting import Setting
from analysis.ask.structure import in_words
from analysis.data import calibrations, datasets
from analysis.data.lines import caching_first
from analysis.data.model_row import SERVED_WIDTHS, mechanism_columns
from analysis.systems import system
from analysis.systems.effects import Case, as_by_default, used, without_effect
from analysis.systems.quantity import Quantity

DEVICES = {  # parameters that name a device or link, and the symbols that its row gives numbers
    "accelerator": ("P_acc", "BW_mem", "M_cap", "RP_acc"),
    "accelerator_experts": ("P_exp", "BW_exp"),
    "link": ("BW_Int",),
    "link_between": ("BW_out",),
}

STEP_TIMES = ("tpot", "tpot_terms", "throughput", "throughput_per_accelerator")


def notes(
    wanted: Quantity, setting: Setting, typed: tuple[str, ...] = (), asked: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """All that must be said of a quantity in a setting, most important first."""
    case = Case(wanted, setting, typed, asked)
    return tuple(sentence for kind in KINDS for sentence in kind(case))


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
        batch = _which("B", case.at("B"), over)
        yield f"{batch} exceeds B_cap={_some(case.cap, over)}, the largest batch that memory holds."


def no_batch_fits(case: Case) -> Iterator[str]:
    """Why memory holds no batch at all."""
    if case.cap is None or not (case.wanted.name == "B_cap" or "B" in case.used) or np.any(case.cap):
        return
    setting, numbers = case.setting, case.setting.numbers
    held, each = (float(np.min(form.value(numbers))) for form in compiled(_weights_and_request, setting).values())
    room = float(np.max(compiled(system.B_cap, setting).value(numbers))) * each
    if room <= 0:
        yield f"no batch fits: weights of {_gb(held)} do not fit in the memory of {_gb(room + held)}{_of(numbers)}."
    elif room < each:
        yield (
            f"no batch fits: weights leave {_gb(room)} of {_gb(room + held)}{_of(numbers)}, and one request takes "
            f"{_gb(each)} at L={_shown(setting['L'])}."
        )
    else:
        yield f"no batch fits: memory holds {room / each:.3g} requests, fewer than deg_DP={_shown(numbers['deg_DP'])}."


def _weights_and_request(setting: Setting) -> dict:
    kept, weights = system.book(setting), system.weights_per_accelerator(setting) * derive.symbols.n_acc
    chosen = setting.architecture, setting.conventions, kept.weights, kept.activations
    return {"weights": weights, "request": derive.capacity.request_bytes(*chosen)}


def _of(numbers) -> str:
    count, memory = numbers["n_acc"], _gb(float(np.max(numbers["M_cap"])))
    return f" ({_shown(count)} x {memory})" if np.max(count) > 1 else ""


def batch_in_time_beyond_memory(case: Case) -> Iterator[str]:
    """A batch that is in time, and that memory does not hold; or none that is in time."""
    if case.wanted.name != "B_SLO":
        return
    found = np.asarray(system.B_SLO_value(case.setting))
    if case.cap is not None and np.any(over := np.greater(found, case.cap)):
        batch, cap = _which("B_SLO", found, over), _some(case.cap, over)
        yield f"{batch} exceeds B_cap={cap}, the largest batch that memory holds."
    if np.any(none := np.equal(found, 0)):
        alone = compiled(system.tpot, case.setting).value(case.setting.numbers | {"B": 1.0})
        asked = _which("slo", case.setting["slo"], none)
        yield f"no batch meets {asked}: one request alone takes {_some(alone, none)} s."


# -- the step --------------------------------------------------------------------------------------
def context_beyond_model(case: Case) -> Iterator[str]:
    """A context that the model was not made for."""
    over = over_context(case)
    if over is not None and np.any(over):
        context, model = _which("L", case.at("L"), over), case.setting.model
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
        shares = ", ".join(f"{title} {_percents(times[title] / sum(times.values()))}" for title in beside)
        yield f"core_attention holds more than attention to rows; of its roofline time are {shares}: see stage_times."


def _core_times(setting: Setting) -> dict:
    from analysis.systems.layers import core_times

    return core_times(setting)


def _percents(share) -> str:
    least, most = (f"{100 * each:.2g}" for each in (np.min(share), np.max(share)))
    return f"{least} %" if least == most else f"{least} to {most} %"


def picks_everything(case: Case) -> Iterator[str]:
    """A context of which queries pick every row."""
    most = _most_picked(case.setting.model) if case.at("L") is not None and "model" in case.setting.given else 0
    if most and np.any(under := np.less_equal(case.at("L"), most)):
        yield (
            f"{_which('L', case.at('L'), under)} holds no more than a query may pick ({most} tokens): every row is "
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
        yield f"{_which('l', queries, over)} exceeds L={_some(context, over)}: the context holds the step's own tokens."


def queries_in_prefill(case: Case) -> Iterator[str]:
    """Prefill whose query tokens were given."""
    given = case.setting["l"]
    if given is not None and case.setting["phase"] == "prefill" and case.at("l") is not None:
        yield f"phase=prefill means l=L, and l={_shown(given)} given beside it is what was used."


def uneven_batch(case: Case) -> Iterator[str]:
    """A batch that its groups do not share evenly."""
    batch, groups = case.at("B"), case.at("deg_DP")
    if batch is None or groups is None or not np.any(over := np.mod(batch, groups) != 0):
        return
    yield (
        f"{_which('B', batch, over)} is no multiple of deg_DP={_some(groups, over)}; each group is counted with the "
        "mean, and the busiest holds more."
    )


def one_group_holds_all(case: Case) -> Iterator[str]:
    """Two levels of network of which the outer carries nothing."""
    if "BW_out" in case.used and np.all(np.greater_equal(case.at("n_group"), case.at("deg_EP"))):
        group, experts = (_shown(case.at(each)) for each in ("n_group", "deg_EP"))
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
            f"an expert gets {_some(tokens, under)} tokens on average, most get none and are not read; one that is "
            "read serves at least one token: see the value beside."
        )


def _tokens_of_expert(setting: Setting):
    return derive.parallel.single_expert()[derive.symbols.T_e]


# -- parameters and rows ---------------------------------------------------------------------------
def parameters_without_effect(case: Case) -> Iterator[str]:
    """What the reader gave and the number does not depend on."""
    given = case.setting.given
    chosen = [name for name in case.typed if name in given and not _is_default(name, given[name])]
    idle = without_effect(case.wanted, case.setting, chosen, case.asked)
    if idle:
        listed = ", ".join(f"{name}={_shown(given[name])}" for name in idle)
        yield f"without effect on {case.wanted.name} ({case.wanted.title}): {listed}."
    for name in as_by_default(case.wanted, case.setting, [each for each in chosen if each not in idle]):
        yield f"{name}={given[name]} gives the same {case.wanted.name} here as {name}={PARAMETERS[name].default}."


def _is_default(name: str, given) -> bool:
    return np.ndim(given) == 0 and given == PARAMETERS[name].default


def part_left_out(case: Case) -> Iterator[str]:
    """A part of an imported model that the study does not represent."""
    if omitted := case.row("omits"):
        yield f"{case.setting.model.id} omits what its file has: {str(omitted).rstrip('.')}."


def announced_figures(case: Case) -> Iterator[str]:
    """Devices and links that did not ship when their rows were written."""
    for name, symbols in DEVICES.items():
        row = _device(case.setting, name)
        if row is not None and row.known == "announced" and any(each in case.used for each in symbols):
            yield f"figures of {name}={row.id} were announced before the part shipped, and may change."


def _device(setting: Setting, name: str):
    if name == "link":
        return setting.link if setting["BW_Int"] is None else None
    return datasets.find(PARAMETERS[name].allowed[0], setting[name], name) if name in setting.given else None


def stated_widths(case: Case) -> Iterator[str]:
    """Widths, and a format of the cache, that a model's files state and the setting does not use."""
    stated = {name: each for name in (*SERVED_WIDTHS, "format") if (each := case.row(name))}
    counted = {name: _counted(case, name, each) for name, each in stated.items()}
    if others := [name for name, each in counted.items() if each is not None and np.any(each != stated[name])]:
        published = [f"{name}={_shown(stated[name])}" for name in others]
        here, alone = ", ".join(_shown(counted[name]) for name in others), len(others) == 1
        counts = f"{published[0]} counts it, or format=served" if alone else "format=served counts them"
        yield f"{case.setting.model.id} is published with {', '.join(published)}, counted here at {here}; {counts}."


def _counted(case: Case, name: str, stated):
    """What a number counts in place of a width, or a format, that was stated; None where it depends on none, or where
    the reader chose.

    A width that follows another has no symbol of its own in the number until it is given.
    """
    setting = case.setting
    if {name, "width", "format", "width_kv" if name == "format" else name} & set(setting.given):
        return None
    if name == "format":
        return setting["format"] if case.at("width_kv") is not None else None
    known = name in case.used or name in used(case.wanted, setting.with_(**{name: stated}))
    return setting.numbers[name] if known else None


def pooled_calibration(case: Case) -> Iterator[str]:
    """Kernels of an accelerator whose architecture no row of the calibration describes."""
    setting = case.setting
    if setting["calibration"] is None or "P_acc" not in case.used or "accelerator" not in setting.given:
        return
    rows = calibrations.named(setting["calibration"]).values()
    apart = sorted({row.operation for row in rows if row.architecture})
    if apart and calibrations.architecture_of(setting["accelerator"]) is None:
        yield (
            f"calibration={setting['calibration']} has no rows of the architecture of {setting['accelerator']}; rows "
            f"pooled over other accelerators describe {', '.join(apart)}."
        )


def stages_without_rows(case: Case) -> Iterator[str]:
    """Stages of attention that keep the bare roofline, as the calibration has no row of their kernels."""
    setting = case.setting
    if setting["calibration"] is None or case.wanted.name not in STEP_TIMES or "model" not in setting.given:
        return
    forms, numbers = compiled(_without_rows, setting), setting.numbers
    if forms:
        whole = compiled(system.tpot, setting).value(numbers)
        shares = ", ".join(f"{title} {_percents(form.value(numbers) / whole)}" for title, form in forms.items())
        yield (
            f"calibration={setting['calibration']} has no row of some kernels, whose time is the bare roofline's, a "
            f"lower bound; of the step they are: {shares}."
        )


def _without_rows(setting: Setting) -> dict:
    from analysis.systems.uncalibrated import without_rows

    return without_rows(setting)


def others_not_served(case: Case) -> Iterator[str]:
    """A calibrated step that serves no prompts, as those of engines mostly do."""
    setting = case.setting
    alone = setting["phase"] == "decode" and setting["calibration"] is not None and setting["OSL"] is None
    if alone and case.wanted.name in STEP_TIMES:
        yield "the step decodes alone; where the same accelerators prefill, OSL= adds the prompts of others."


def queues_not_modelled(case: Case) -> Iterator[str]:
    """A time to first token without the wait for it."""
    if case.wanted.name == "ttft":
        yield (
            "a request waits for no other here; engines make it queue for memory and for prompts before it, which "
            "takes most of a measured time to first token under load: `python -m analysis deployments` compares."
        )


def narrow_cache(case: Case) -> Iterator[str]:
    """A cache in a format that no fitted kernel read."""
    width = case.at("width_kv")
    calibrated = case.setting["calibration"] is not None and width is not None and "P_acc" in case.used
    if calibrated and np.any(np.less(width, calibrations.FITTED_WIDTH)):
        yield f"width_kv={_shown(width)}: {calibrations.FP8_CACHE}"


KINDS: tuple[Callable[[Case], Iterator[str]], ...] = (
    *(batch_beyond_memory, batch_in_time_beyond_memory, no_batch_fits, context_beyond_model),
    *(which_kind, within_core, picks_everything),
    *(queries_beyond_context, queries_in_prefill, uneven_batch, one_group_holds_all, fewer_than_a_token),
    *(wires_beyond_their_network, others_not_served, narrow_cache, stages_without_rows, queues_not_modelled),
    *(part_left_out, announced_figures, stated_widths, pooled_calibration, parameters_without_effect),
)


# -- words -----------------------------------------------------------------------------------------
def _shown(given) -> str:
    if np.ndim(given):
        return ",".join(map(_shown, np.asarray(given).tolist()))
    return given if isinstance(given, str) else f"{float(given):.15g}"


def _some(given, where) -> str:
    """The first of the values at which something holds."""
    return f"{float(np.broadcast_to(given, np.shape(where))[where][0]):.6g}"


def _which(name: str, given, where) -> str:
    """A parameter's value at which something holds, and of how many values it is one."""
    count, size = int(np.sum(where)), np.size(where)
    several = f" ({'the first of ' if count > 1 else ''}{count} of {size} values)" if size > 1 else ""
    return f"{name}={_some(given, where)}{several}"


def _gb(number: float) -> str:
    return f"{number / 1e9:.4g} GB"
