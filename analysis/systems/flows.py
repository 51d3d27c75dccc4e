"""What the boxes of a block's flow cost in a setting: counts of each kernel, what limits it, its share of the time."""

from collections.abc import Mapping

from sympy import Expr, Max, Symbol

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.einsum import Tensor
from analysis.derive.flow import Box, Flow, attention_flow, block_flow
from analysis.derive.parallel import Substitution, sharded
from analysis.derive.symbols import RP_acc
from analysis.systems.layers import Layer, layers, numbers

Rows = dict[str, list]
BOUNDS = ("compute", "memory")
COLUMNS = ("stage", "kernel", "line", "line_flops", "flops", "bytes", "intensity", "bound", "time", "share")


def attention(setting: Setting) -> Flow:
    """The flow of the setting's attention block, in its contraction order."""
    return attention_flow(setting.architecture.mechanism, setting.conventions)


def block(setting: Setting) -> Flow:
    """The flow of the setting's decoder block, the one with experts if the model has any."""
    return block_flow(setting.architecture, setting.conventions)


def kernel_numbers(setting: Setting, flow: Flow) -> dict[tuple[str, str], dict[str, object]]:
    """FLOPs, bytes, time [s], intensity [FLOP/byte], bound and share of the flow's time [1], by (stage, kernel).

    A kernel is bound by compute at or above the ridge point of its part of the model, else by memory. Raises InputError
    for a size that the setting does not give.
    """
    counted = layers(setting)
    wanted = dict.fromkeys((box.stage, box.kernel.name) for box in flow.boxes)
    found = {}
    for stage, name in wanted:
        kernel = next(each for each in counted[stage].kernels if each.name == name)
        costs = numbers(Layer(stage, name, (kernel,), counted[stage].rate), setting.point)
        found[stage, name] = {key: float(number) for key, number in costs.items()}
    total = sum(costs["time"] for costs in found.values())
    for (stage, _), costs in found.items():
        ridge = float(value(counted[stage].rate * RP_acc, setting.point))
        costs |= {"bound": BOUNDS[costs["intensity"] < ridge], "share": costs["time"] / total}
    return found


def flow_rows(setting: Setting, flow: Flow) -> Rows:
    """One row per box: its line and FLOPs, then the counts of the kernel that runs it, all on one accelerator."""
    costs = kernel_numbers(setting, flow)
    rows: Rows = {name: [] for name in COLUMNS}
    for box in flow.boxes:
        own = {"stage": box.stage, "kernel": box.kernel.name, "line": str(box.line), "line_flops": flops(setting, box)}
        for name, cell in (own | costs[box.stage, box.kernel.name]).items():
            rows[name].append(cell)
    return rows


def flops(setting: Setting, box: Box) -> float:
    """Operations of one line on one accelerator [FLOP]."""
    return float(value(box.line.flops.xreplace(_axes(setting)), setting.point))


def size(setting: Setting, tensor: Tensor) -> float:
    """Bytes of a tensor on one accelerator."""
    return float(value(tensor.bytes.xreplace(_axes(setting)), setting.point))


def _axes(setting: Setting) -> Substitution:
    """Those of one accelerator, in the kind of block that is drawn."""
    return setting.architecture.attending[0].axes(sharded())


def shape(tensor: Tensor, point: Mapping[Symbol, object] | None = None) -> tuple[str, ...]:
    """The axes of a tensor in words; given a point, those of one accelerator, as `n_hd/deg_TP`.

    Axes that are an accelerator's own by definition (the tokens T_e of an expert) keep their names.

    >>> from analysis.derive.einsum import tensor
    >>> point = Setting.of(model="deepseek-v3", deg_TP=8, n_acc=8).point
    >>> shape(tensor("q_C[B l n_hd d_KVco]"), point)
    ('B/deg_DP', 'l', 'n_hd/deg_TP', 'd_KVco')
    """
    if point is None:
        return tuple(axis.name for axis in tensor.axes)
    return tuple(_of_one(axis, point) for axis in tensor.axes)


def _of_one(axis: Symbol, point: Mapping[Symbol, object]) -> str:
    size: Expr = sharded().get(axis, axis)
    if axis not in size.free_symbols:
        return axis.name
    return str(size.replace(Max, lambda *sizes: _larger(sizes, point)))


def _larger(sizes: tuple[Expr, ...], point: Mapping[Symbol, object]) -> Expr:
    """Which of two counts of heads a Max is at the point; of equal ones, the one that says where it comes from."""
    return max(sizes, key=lambda each: (value(each, point), len(each.free_symbols)))
