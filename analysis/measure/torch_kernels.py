"""PyTorch on a CUDA device (or, in tests, on its CPU device): fused attention, batched and grouped products.

PyTorch is an optional extra, imported late: when a backend is made, never with this module. Every kernel that might
run a case is tried; a device or version that lacks one says so, and the case goes on without it.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.measure import torch_attention
from analysis.measure.backend import Kernel, Run, entries
from analysis.measure.cases import Case
from analysis.measure.clock import wall_time
from analysis.measure.layouts import Arrays, picks, shapes
from analysis.measured.kernel_rows import STAGES

FLUSHED = 2**28
"""Bytes written between repeats on a CUDA device: several times its L2, so that no repeat finds the last one's data."""

WIDE = ("M", "J", "decay", "beta")
"""Arrays in float32 whatever the precision: a state and what acts on all of it, index scores."""

SDPA = ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION")
"""Fused backends of PyTorch's scaled_dot_product_attention."""


@dataclass
class TorchBackend:
    """PyTorch on `device`, with `room` bytes for the arrays of a case."""

    device: str
    room: float
    unsupported: tuple[type[Exception], ...] = (RuntimeError,)
    torch: Any = field(init=False)

    def __post_init__(self) -> None:
        import torch

        self.torch = torch
        torch.manual_seed(0)
        torch.set_grad_enabled(False)
        if self.device == "cuda":
            self._flushed = torch.empty(FLUSHED, dtype=torch.int8, device=self.device)

    def _dtype(self, case: Case):
        return {"bf16": self.torch.bfloat16, "fp32": self.torch.float32}[case.precision]

    def allocate(self, case: Case) -> dict[str, Any]:
        found = {name: self._random(case, name, shape) for name, shape in shapes(case)[0].items() if name != "T"}
        chosen = picks(case, np.random.default_rng(0)) if "T" in case.inputs else None
        return found if chosen is None else found | {"T": self.torch.asarray(chosen, device=self.device)}

    def _random(self, case: Case, name: str, shape: tuple[int, ...]) -> Any:
        dtype = self.torch.float32 if name in WIDE else self._dtype(case)
        return self.torch.empty(shape, dtype=dtype, device=self.device).uniform_(*entries(name, shape))

    def kernels(self, case: Case) -> list[Kernel]:
        if case.operation == "core_attention" and "T" in case.inputs:
            return [self._kernel("index_select, matmul and softmax", "layered", torch_attention.picked, case)]
        if case.operation == "core_attention":
            fused = [
                self._kernel(f"scaled_dot_product_attention {name}", "fused", torch_attention.fused, case, name)
                for name in SDPA
            ]
            return [*fused, self._kernel("matmul and softmax", "layered", torch_attention.layered, case)]
        if case.operation == "experts":
            setups = {"grouped_mm": _grouped_experts, "bmm": _batched_experts}
            return [self._kernel(name, "layered", setup, self.torch) for name, setup in setups.items()]
        if case.operation in STAGES:
            name, setup = torch_attention.OF_MECHANISM[case.operation]
            return [self._kernel(name, "layered", setup, case)]
        name, setup = PLAIN[case.operation]
        return [self._kernel(name, "fused", setup)]

    def _kernel(self, name: str, grouping: str, setup, *more) -> Kernel:
        return Kernel(f"PyTorch {self.torch.__version__} {name}", grouping, lambda given: setup(given, *more))

    def once(self, run: Run) -> float:
        """Seconds of one run: by events on a CUDA device, with a cold L2; by the wall clock elsewhere."""
        if self.device != "cuda":
            return wall_time(run)
        start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        self._flushed.zero_()  # keeps the device busy while the host queues the kernel, so that its launch is hidden
        start.record()
        run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3

    def as_float64(self, array: Any) -> np.ndarray:
        return array.double().cpu().numpy()

    def release(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.empty_cache()


# -- experts ---------------------------------------------------------------------------------------------------------
def _batched_experts(given: Arrays, torch: Any) -> Run:
    X, W_gate, W_up, W_down = (given[name] for name in ("X", "W_gate", "W_up", "W_down"))
    silu, bmm = torch.nn.functional.silu, torch.bmm
    return lambda: {"Y": bmm(silu(bmm(X, W_gate)) * bmm(X, W_up), W_down)}


def _grouped_experts(given: Arrays, torch: Any) -> Run:
    """One product over tokens sorted by expert, as mixture layers run it; RuntimeError where PyTorch has none."""
    grouped_mm = getattr(torch.nn.functional, "grouped_mm", None) or getattr(torch, "_grouped_mm", None)
    if grouped_mm is None:
        raise RuntimeError("this PyTorch has no grouped product")
    shape, silu = given["X"].shape, torch.nn.functional.silu
    X, W_gate, W_up, W_down = given["X"].flatten(0, 1), given["W_gate"], given["W_up"], given["W_down"]
    ends = torch.arange(1, shape[0] + 1, dtype=torch.int32, device=X.device) * shape[1]

    def run() -> Arrays:
        h = silu(grouped_mm(X, W_gate, offs=ends)) * grouped_mm(X, W_up, offs=ends)
        return {"Y": grouped_mm(h, W_down, offs=ends).reshape(shape)}

    return run


# -- peaks -----------------------------------------------------------------------------------------------------------
def _gemm(given: Arrays) -> Run:
    return lambda: {"Y": given["X"] @ given["W"]}


def _read(given: Arrays) -> Run:
    import torch

    return lambda: {"sum": given["A"].sum(dtype=torch.float32) + given["B"].sum(dtype=torch.float32)}


def _copy(given: Arrays) -> Run:
    target = given["A"].new_empty(given["A"].shape)
    return lambda: {"B": target.copy_(given["A"])}


PLAIN = {"gemm": ("matmul", _gemm), "read": ("sum", _read), "copy": ("copy_", _copy)}
"""Rates of the machine: name of the kernel in PyTorch, and how it is set up."""
