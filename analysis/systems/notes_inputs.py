"""Notes on what a number was given: parameters, rows of models and devices, widths, calibrations.

Every function in `KINDS` is one kind of note: it gets the answer's case and yields sentences.
"""

from collections.abc import Callable, Iterator

import numpy as np

from analysis.ask.kept_forms import compiled
from analysis.ask.parameters import PARAMETERS
from analysis.ask.setting import Setting
from analysis.data import calibrations, datasets
from analysis.data.model_row import SERVED_WIDTHS
from analysis.systems import system
from analysis.systems.effects import as_by_default, used, without_effect
from analysis.systems.notes_case import STEP_TIMES, Case, percents, shown, some

DEVICES = {  # parameters that name a device or link, and the symbols that its row gives numbers
    "accelerator": ("P_acc", "BW_mem", "M_cap", "RP_acc"),
    "accelerator_experts": ("P_exp", "BW_exp"),
    "link": ("BW_Int",),
    "link_between": ("BW_out",),
}


def parameters_without_effect(case: Case) -> Iterator[str]:
    """What the reader gave and the number does not depend on."""
    given = case.setting.given
    chosen = [name for name in case.typed if name in given and not _is_default(name, given[name])]
    idle = without_effect(case.wanted, case.setting, chosen, case.asked)
    if idle:
        listed = ", ".join(f"{name}={shown(given[name])}" for name in idle)
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
        published = [f"{name}={shown(stated[name])}" for name in others]
        here, alone = ", ".join(shown(counted[name]) for name in others), len(others) == 1
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
        shares = ", ".join(f"{title} {percents(form.value(numbers) / whole)}" for title, form in forms.items())
        yield (
            f"calibration={setting['calibration']} has no row of some kernels, whose time is the bare roofline's, a "
            f"lower bound; of the step they are: {shares}."
        )


def _without_rows(setting: Setting) -> dict:
    from analysis.systems.uncalibrated import without_rows  # sympy and all; numbers of kept forms do without

    return without_rows(setting)


def narrow_cache(case: Case) -> Iterator[str]:
    """A cache in a format that no fitted kernel read."""
    width = case.at("width_kv")
    calibrated = case.setting["calibration"] is not None and width is not None and "P_acc" in case.used
    if calibrated and np.any(np.less(width, calibrations.FITTED_WIDTH)):
        yield f"width_kv={shown(width)}: {calibrations.FP8_CACHE}"


def launches_lead(case: Case) -> Iterator[str]:
    """Up to which batch a calibrated step is launches more than work."""
    calibrated = case.setting["calibration"] is not None and case.setting["phase"] == "decode"
    calibrated &= case.setting["overlap"] in ("none", "comm")
    if calibrated and case.wanted.name in ("tpot", "tpot_terms"):
        most = np.asarray(system.B_launch(case.setting))
        if np.any(most):
            yield (
                f"launches take at least half of a step up to {some(most, most > 0)} requests; fewer make it hardly "
                "shorter."
            )


def others_not_served(case: Case) -> Iterator[str]:
    """A calibrated step that serves no prompts, as those of engines mostly do."""
    setting = case.setting
    alone = setting["phase"] == "decode" and setting["calibration"] is not None and setting["OSL"] is None
    if alone and case.wanted.name in STEP_TIMES:
        yield "the step decodes alone; where the same accelerators prefill, OSL= adds the prompts of others."


KINDS: tuple[Callable[[Case], Iterator[str]], ...] = (
    *(others_not_served, narrow_cache, stages_without_rows, launches_lead),
    *(part_left_out, announced_figures, stated_widths, pooled_calibration, parameters_without_effect),
)
