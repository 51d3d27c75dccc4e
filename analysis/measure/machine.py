"""A record of the machine: processor, cores, caches, memory, threads, library versions, clocks where readable.

Nothing that names the reader is kept: no host, no user, no address.
"""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

CACHE_IF_UNKNOWN = 32 * 2**20
"""Bytes taken for a last-level cache that the system does not tell."""

BUSY = 0.2
"""Load per core above which a run is worth repeating."""

PROC = Path("/proc")
CPU = Path("/sys/devices/system/cpu/cpu0")


@dataclass(frozen=True)
class Machine:
    """What was measured: `id` for the accelerator column, last-level cache and memory [byte], and the whole record."""

    id: str
    cache: int
    memory: int
    record: dict[str, object]

    @property
    def is_busy(self) -> bool:
        """Whether other programs wanted more than a fifth of the cores just before."""
        load = self.record.get("load_before")
        return isinstance(load, float) and load > BUSY * cores()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slug(name: str) -> str:
    """A name as an id of the data files.

    >>> slug("AMD EPYC 9B45 (2 cores)")
    'amd-epyc-9b45-2-cores'
    """
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "machine"


def cpu_machine() -> Machine:
    """This computer's processor as a machine to measure, with the BLAS that numpy calls."""
    name, cache, memory = processor(), last_level_cache(), memory_bytes()
    record = {
        "processor": name,
        "cores": cores(),
        "last_level_cache": cache or "unknown",
        "memory": memory or "unknown",
        **clocks(),
        "load_before": load_before(),
        "blas": blas(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    return Machine(slug(f"{name} {cores()} cores"), cache or CACHE_IF_UNKNOWN, memory or 8 * 2**30, record)


def processor() -> str:
    """The processor's name as the system tells it."""
    match = re.search(r"^model name\s*:\s*(.+)$", _text(PROC / "cpuinfo"), re.MULTILINE)
    return match[1].strip() if match else platform.processor() or platform.machine()


def last_level_cache() -> int:
    """Bytes of the largest cache; 0 if the system does not tell."""
    return max((_size(_text(path)) for path in CPU.glob("cache/index*/size")), default=0)


def memory_bytes() -> int:
    """Bytes of main memory; 0 if the system does not tell."""
    match = re.search(r"^MemTotal:\s*(\d+) kB", _text(PROC / "meminfo"), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def clocks() -> dict[str, object]:
    """Clock of the first core in MHz as the system shows it now, its governor and highest clock, where readable."""
    match = re.search(r"^cpu MHz\s*:\s*([\d.]+)", _text(PROC / "cpuinfo"), re.MULTILINE)
    highest = _text(CPU / "cpufreq" / "cpuinfo_max_freq").strip()
    found = {
        "clock_MHz": float(match[1]) if match else None,
        "highest_clock_MHz": int(highest) / 1000 if highest.isdigit() else None,
        "governor": _text(CPU / "cpufreq" / "scaling_governor").strip() or None,
    }
    return {name: "not readable" if cell is None else cell for name, cell in found.items()}


def load_before() -> float | str:
    """Processes that wanted a core in the last minute: far above 0, timings are of a busy machine."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else "not readable"


def one_thread():
    """A context in which BLAS runs on one thread: on a shared machine several wait for the one that lost its core."""
    return threadpool_limits(limits=1, user_api="blas")


def threads() -> int:
    """Threads that BLAS runs on now; the cores of this process where it does not tell."""
    found = _pools()
    return found[0]["num_threads"] if found else cores()


def _pools() -> list[dict]:
    return [pool for pool in threadpool_info() if pool["user_api"] == "blas"]


def blas() -> str:
    """The library behind numpy's matrix products, with version, instruction set and threads.

    >>> "thread" in blas()
    True
    """
    found = _pools()
    if not found:
        return "BLAS unknown, threads unknown"
    pool, count = found[0], threads()
    kind = f" ({pool['architecture']})" if pool.get("architecture") else ""
    version = f" {pool['version']}" if pool.get("version") else ""
    return f"{pool['internal_api']}{version}{kind}, {count} thread{'' if count == 1 else 's'}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _size(text: str) -> int:
    match = re.match(r"(\d+)([KMG]?)", text.strip())
    return int(match[1]) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[match[2]] if match else 0
