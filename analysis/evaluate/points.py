"""A row of the data as a point, symbol to number in SI units; a system's row as parameters of a setting."""

from sympy import Symbol

from analysis.derive.symbols import BY_NAME, P_acc, deg_grp
from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.rows import PEAKS, SERVED_WIDTHS, Accelerator, Row

SYSTEM = ("model", "accelerator", "accelerator_experts", "link", "link_between", "group", "n_acc", "deg_TP", "deg_EP")
TO_SI = {"TFLOP/s": 10**12, "GB/s": 10**9, "GB": 10**9, "GiB": 2**30, "us": 1e-6}


def _si(row: Row, name: str):
    """A cell in SI units, whole numbers kept exact."""
    field = type(row).model_fields[name]
    unit = row.M_cap_unit if name == "M_cap" else (field.json_schema_extra or {}).get("unit", "")
    value = getattr(row, name) * TO_SI.get(unit, 1)
    return int(value) if float(value).is_integer() else value


def peak_rate(row: Accelerator, peak: str = "bf16"):
    """Dense arithmetic peak of an accelerator in FLOP/s. Raises InputError for a precision that it lacks.

    >>> from analysis.evaluate.datasets import accelerator
    >>> peak_rate(accelerator("b200-paper"))
    2250000000000000
    """
    present = [name for name in PEAKS if getattr(row, f"P_{name}") is not None]
    if peak not in present:
        raise InputError(
            f"peak={peak}: accelerator {row.id} has no such rate, allowed are {', '.join(present)}; "
            "choose one of them or another accelerator."
        )
    return _si(row, f"P_{peak}")


def row_point(row: Row, peak: str = "bf16") -> dict[Symbol, int | float]:
    """The columns of a row that are symbols, as symbol to number in SI units; empty cells are left out.

    A model with key-value heads also gives deg_grp, an accelerator gives P_acc at the precision `peak`. The widths in
    which a model's files are stored stay out: what to count with is asked for, and is no size of the architecture.
    Raises InputError for a precision that the accelerator lacks.

    >>> from analysis.derive.symbols import BW_mem
    >>> from analysis.evaluate.datasets import accelerator
    >>> row_point(accelerator("b200-paper"))[BW_mem]
    8000000000000
    """
    columns = [name for name in type(row).model_fields if name in BY_NAME and name not in SERVED_WIDTHS]
    names = [name for name in columns if getattr(row, name) is not None]
    point = {BY_NAME[name]: _si(row, name) for name in names}
    if getattr(row, "n_kv", None):
        point[deg_grp] = row.n_hd // row.n_kv
    if isinstance(row, Accelerator):
        point[P_acc] = peak_rate(row, peak)
    return point


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
