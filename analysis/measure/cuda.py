"""A CUDA device as a machine to measure: name, memory, L2, driver, clocks and library versions.

PyTorch is an optional extra, imported late.
"""

import shutil
import subprocess

from analysis.measure.machine import Machine, cpu_machine, slug

ASKED = {
    "driver": "driver_version",
    "clock_MHz": "clocks.sm",
    "highest_clock_MHz": "clocks.max.sm",
    "memory_clock_MHz": "clocks.mem",
    "power_limit_W": "power.limit",
}
"""Entries of the record, and what the driver's tool calls them."""


def has_cuda() -> bool:
    """Whether PyTorch is installed and finds a CUDA device."""
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def cuda_machine() -> Machine:
    """The first CUDA device that PyTorch finds, with the computer around it in the record."""
    import torch

    device = torch.cuda.get_device_properties(0)
    record = {
        "device": device.name,
        "memory": device.total_memory,
        "last_level_cache": getattr(device, "L2_cache_size", "unknown"),
        "multiprocessors": device.multi_processor_count,
        **driver(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "none",
        "cudnn": torch.backends.cudnn.version() or "none",
        "host": cpu_machine().record,
    }
    return Machine(slug(device.name), getattr(device, "L2_cache_size", 0), device.total_memory, record)


def driver() -> dict[str, str]:
    """Driver version, clocks now and at most, and power limit, as the driver's own tool tells them.

    >>> sorted(driver()) == sorted(ASKED)
    True
    """
    tool = shutil.which("nvidia-smi")
    unknown = dict.fromkeys(ASKED, "not readable")
    if tool is None:
        return unknown
    query = [tool, "--id=0", f"--query-gpu={','.join(ASKED.values())}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return unknown
    cells = [cell.strip() for cell in answer.strip().split(",")]
    return dict(zip(ASKED, cells, strict=True)) if len(cells) == len(ASKED) else unknown
