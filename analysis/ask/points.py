"""A row of the data as numbers in SI units by symbol; a system's row as parameters of a setting."""

from collections.abc import Mapping

from analysis import derive
from analysis.data import datasets
from analysis.data.kind_of_block import KindOfBlock
from analysis.data.lines import cut, cuts_prompts, symbol_names
from analysis.data.model_row import Model
from analysis.data.row import Row
from analysis.data.rows import PEAKS, Accelerator
from analysis.data.units import TO_SI
from analysis.files.errors import InputError

SYSTEM = ("model", "accelerator", "accelerator_experts", "link", "link_between", "group", "n_acc", "deg_TP", "deg_EP")


def _si(row: Row, name: str):
    """A cell in SI units, whole numbers kept exact."""
    field = type(row).model_fields[name]
    unit = row.M_cap_unit if name == "M_cap" else (field.json_schema_extra or {}).get("unit", "")
    value = getattr(row, name) * TO_SI.get(unit, 1)
    return int(value) if float(value).is_integer() else value


def memory_bytes(row: Accelerator) -> int | float:
    """Memory of an accelerator [byte]: what its data sheet says, or what a driver reports in all where that is more.

    Data sheets round down and leave open which GB they mean; a driver leaves out what it keeps for itself.

    >>> from analysis.data.datasets import accelerator
    >>> memory_bytes(accelerator("h200-sxm5")), memory_bytes(accelerator("b200-paper"))
    (150754820096, 192000000000)
    """
    return max(_si(row, "M_cap"), row.M_driver or 0)


OWN_PEAKS = {"core": "peak_core", "index": "peak_index", "experts": "peak_experts"}
"""Parts of a model whose arithmetic may have a rate of its own, and the parameter that says so."""


def peak_rate(row: Accelerator, peak: str = "bf16", asked: str = "peak"):
    """Dense arithmetic peak of an accelerator in FLOP/s, `asked` for by this parameter.

    Raises InputError for a precision that it lacks.

    >>> from analysis.data.datasets import accelerator
    >>> peak_rate(accelerator("b200-paper"))
    2250000000000000
    """
    present = [name for name in PEAKS if getattr(row, f"P_{name}") is not None]
    if peak not in present:
        raise InputError(
            f"{asked}={peak}: accelerator {row.id} has no such rate, allowed are {', '.join(present)}; "
            "choose one of them or another accelerator."
        )
    return _si(row, f"P_{peak}")


def point_of(numbers: Mapping[str, object]) -> dict:
    """Numbers by name as a point, symbol to number: what closed forms take."""
    return {derive.symbols.BY_NAME[name]: number for name, number in numbers.items()}


def row_point(row: Row, peak: str = "bf16") -> dict:
    """`row_numbers` as a point, symbol to number. Raises InputError likewise."""
    return point_of(row_numbers(row, peak))


def row_numbers(row: Row, peak: str = "bf16") -> dict[str, int | float]:
    """The columns of a row that are symbols, by name, in SI units; empty cells are left out.

    A model gives the sizes that all its kinds of block share, and how many blocks there are, and CUT where its states
    are passed in chunks of a length that it does not state; the widths in which its
    files are stored stay out: what to count with is asked for, and is no size of the architecture. An accelerator gives
    P_acc at the precision `peak` and M_cap as `memory_bytes` counts it.
    Raises InputError for a precision that the accelerator lacks.

    >>> from analysis.data.datasets import accelerator
    >>> row_numbers(accelerator("b200-paper"))["BW_mem"]
    8000000000000
    """
    if isinstance(row, Model):
        return _model_numbers(row)
    columns = [name for name in type(row).model_fields if name in symbol_names()]
    names = [name for name in columns if getattr(row, name) is not None]
    numbers = {name: _si(row, name) for name in names}
    if isinstance(row, Accelerator):
        numbers |= {"P_acc": peak_rate(row, peak), "M_cap": memory_bytes(row)}
    return numbers


def _model_numbers(row: Model) -> dict[str, int]:
    shared = row.sizes_of(KindOfBlock(blocks=1)) | {name: getattr(row, name) for name in ("n_dec", "n_moe", "n_win")}
    return ({"L_cut": cut()} if cuts_prompts(row.attending) else {}) | shared


def scenario_parameters(name: str) -> dict[str, object]:
    """What a system's row says as parameters of a setting; degrees that follow from others are left out.

    A model without experts takes no deg_EP, and deg_DP is n_acc / deg_TP. Raises InputError as `scenario`.

    >>> scenario_parameters("gpt3-32")["deg_TP"], "deg_EP" in scenario_parameters("gpt3-32")
    (8, False)
    """
    row = datasets.scenario(name)
    found = {each: getattr(row, each) for each in (*SYSTEM, "B", "L", "phase", "order")}
    if not datasets.model(row.model).n_moe:
        del found["deg_EP"]
    return {each: value for each, value in found.items() if value is not None}
