"""Which rows of the kernel database cannot be used, and why: rules that each see a whole batch."""

import re

import numpy as np
import pyarrow as pa

from analysis.data import datasets
from analysis.data.units import LARGEST
from analysis.files.errors import InputError
from analysis.measured.devices import device_point
from analysis.measured.kernel_files import is_count
from analysis.measured.kernel_rows import SHAPE
from analysis.measured.kernel_tables import ABSORBED, FORMATS, NODE
from analysis.measured.predict import numbers, predict
from analysis.measured.regimes import beats_datasheet, judges_bandwidth, regimes
from analysis.measured.source_cells import Cells, Words

WHY = {
    "no usable number": "a latency or size is empty, zero, or beyond any machine",
    "other operation": "what was timed is not derived here (windows, plain experts, beams, unknown kernels)",
    "half of a pair": "absorbed products come as two rows, of queries and of results; the second is part of the first",
    "skewed routing": "the load of the timed accelerator under skew is not recorded",
    "unknown format": "a number format without a known width, or without a peak rate on this accelerator",
    "known-bad kernel": "timings of this kernel are known to be wrong",
    "beats the data sheet": "faster than peak rate and bandwidth allow, although too large for a cache",
    "cache-resident": "faster than memory with at most 400 MB, as repeats find them in L2; on demand all so small",
}
"""Rules in the order in which they are applied; each row is counted under the first that removes it."""

NUMBERED = {*SHAPE, "tokens", "bytes"} - {"width_weights", "width_kv", "width_activations"}
"""Sizes that every mapped row must have."""

TIMED = {
    "trtllm_alltoall_perf": ("alltoall_dispatch", "alltoall_combine"),
    "nccl_perf": ("all_reduce",),
    "mla_bmm_perf": ABSORBED,
}
"""Operations that are read of tables that hold several."""

RACK = 72  # accelerators that an NVL72 rack joins by NVLink
_ANY = r".*"
KNOWN_BAD = (  # table, framework, versions before (None: all), versions beginning with, kernel, number format
    ("generation_attention_perf", "trtllm", "1.3.0rc20", "", _ANY, _ANY),
    ("moe_perf", _ANY, None, "", r".*(min_latency|flashinfer_trtllm|cutedsl).*", _ANY),
    ("moe_perf", "vllm", None, "0.24", r".*triton.*", _ANY),
    ("generation_mla_perf", "sglang", None, "", r".*(fa3|flash_attention).*", "fp8"),
)


def version_key(version: str) -> tuple:
    """A version as something to compare: numbers, then release candidates before the release.

    >>> version_key("1.3.0rc10") < version_key("1.3.0rc20") < version_key("1.3.0") < version_key("1.3.0.post1")
    True
    """
    release = re.match(r"[\d.]*\d", version)
    candidate = re.search(r"(?:rc|dev|a|b)(\d+)", version)
    numbers_of = tuple(int(part) for part in release[0].split(".")) if release else ()
    post = re.search(r"post(\d+)", version)
    return numbers_of[:3], int(candidate[1]) if candidate else float("inf"), int(post[1]) if post else -1


def before_mapping(table: str, cells: Cells) -> dict[str, np.ndarray]:
    """Masks of source rows that a rule removes, from the source's own columns."""
    return {
        "other operation": _other_operation(table, cells),
        "half of a pair": _matching(cells, "op_name", lambda word: word == ABSORBED[1]),
        "skewed routing": _matching(cells, "distribution", lambda word: word != "balanced"),
        "unknown format": _unknown_format(cells),
        "known-bad kernel": _known_bad(table, cells),
    }


def _matching(cells: Cells, column: str, wrong) -> np.ndarray:
    return cells.text(column).mapped(wrong, False, bool) if cells.has(column) else np.zeros(len(cells), bool)


def _other_operation(table: str, cells: Cells) -> np.ndarray:
    window = cells.number("window_size", 0.0)
    beams = cells.number("beam_width", 1.0)
    plain = _matching(cells, "kernel_source", lambda word: "nongated" in word)
    other = _matching(cells, "op_name", lambda word: word not in TIMED.get(table, (word,)))
    alone = cells.number("num_gpus", 2.0)
    beyond = (alone < 2) | (alone > together(cells.accelerator))
    queries = cells.number("isl", 1.0) != 1 if table.startswith("generation") else np.zeros(len(cells), bool)
    return (window > 0) | (beams > 1) | plain | queries | other | beyond


def together(accelerator: str) -> int:
    """Accelerators that one fast link joins: those of a node, or of a rack whose link says so."""
    return RACK if (datasets.accelerator(accelerator).link or "").endswith("nvl72") else NODE


def _unknown_format(cells: Cells) -> np.ndarray:
    unknown = np.zeros(len(cells), bool)
    for column in ("attn_dtype", "mla_dtype", "moe_dtype", "gemm_dtype", "bmm_dtype", "nccl_dtype", "allreduce_dtype"):
        unknown |= _matching(
            cells, column, lambda word: word not in FORMATS or not _has_peak(cells.accelerator, FORMATS[word][0])
        )
    return unknown | _matching(cells, "kv_cache_dtype", lambda word: word not in FORMATS)


def _has_peak(accelerator: str, precision: str) -> bool:
    try:
        return bool(device_point(accelerator, precision))
    except InputError:
        return False


def _known_bad(table: str, cells: Cells) -> np.ndarray:
    bad = np.zeros(len(cells), bool)
    for name, framework, before, begins, kernel, number in KNOWN_BAD:
        applies = name == table and re.fullmatch(framework, cells.framework) and cells.version.startswith(begins)
        if applies and (before is None or version_key(cells.version) < version_key(before)):
            rows = _matching(cells, "kernel_source", lambda word, kernel=kernel: bool(re.fullmatch(kernel, word)))
            cached = _matching(cells, "kv_cache_dtype", lambda word, number=number: bool(re.fullmatch(number, word)))
            bad |= rows & (cached if number != _ANY else True)
    return bad


def of_block(block: dict) -> dict[str, np.ndarray]:
    """Masks of mapped rows that a rule removes, from the mapped columns: unusable numbers, unknown words."""
    arrays = {name: cells for name, cells in block.items() if isinstance(cells, np.ndarray)}
    count = len(block["latency"])
    usable = np.ones(count, bool)
    for name in set(arrays) & {*NUMBERED, "latency"}:
        low = 1 if is_count(name) else np.nextafter(0, 1)
        usable &= (arrays[name] >= low) & (arrays[name] < LARGEST)
    return {
        "no usable number": ~usable,
        "other operation": _empty(block, count, "order", "operation", "kernel"),
        "unknown format": _empty(block, count, "precision"),
    }


def _empty(block: dict, count: int, *names: str) -> np.ndarray:
    """Rows in which one of these columns of words has none."""
    empty = np.zeros(count, bool)
    for name in names:
        if isinstance(block.get(name), Words):
            empty |= block[name].codes < 0
    return empty


def after_mapping(rows: pa.Table, keep_resident: bool = True) -> dict[str, np.ndarray]:
    """Masks of mapped rows that beat the data sheet, or whose buffers a cache may have held."""
    prediction = predict(rows)
    small = ~judges_bandwidth(prediction) & (prediction.wire == 0)
    faster = beats_datasheet(rows, prediction)
    by_cache = small & faster & (numbers(rows, "latency") >= prediction.compute)
    resident = by_cache | (small & (regimes(rows, prediction) == "memory-bound") & (not keep_resident))
    return {"beats the data sheet": faster & ~by_cache, "cache-resident": resident}
