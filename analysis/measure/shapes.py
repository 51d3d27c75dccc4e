"""The sweeps: which cases are timed on a CPU, quickly or in full, and on a CUDA device."""

from math import ceil

from analysis.derive.attention import GQA, MHA, MLA
from analysis.measure.cases import Case, attention, experts, gemm

BEYOND_CACHE = 2.5
"""Working sets of memory-bound cases exceed the last-level cache by this factor."""


def requests(mechanism: str, cache_bytes: int, precision: str, **sizes: int) -> int:
    """Requests B with which a mechanism's core works on more than the last-level cache holds.

    >>> requests("MHA", 32 * 2**20, "fp32", L=1024, n_hd=32)
    3
    """
    one = list(attention(mechanism, precision, {"B": 1, **sizes}))[-1]
    return max(1, ceil(BEYOND_CACHE * cache_bytes / one.bytes_held))


def cpu_cases(quick: bool, cache_bytes: int) -> list[Case]:
    """Cases of a CPU, in fp32: BLAS of numpy has no 16-bit products."""
    contexts = (1024, 4096) if quick else (512, 1024, 2048, 4096, 8192, 16384)
    shapes = [(MHA.name, {"n_hd": 32}), (GQA.name, {"n_hd": 32, "n_kv": 8})]
    shapes += [(MLA.name, {"n_hd": h}) for h in (16, 128)]
    tokens = (1, 4, 16, 64, 256) if quick else (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
    cases = [
        *_peaks("fp32", (1024, 2048) if quick else (1024, 2048, 4096), _stream_bytes(cache_bytes, quick)),
        *(case for name, sizes in shapes for L in contexts for case in _decode(name, cache_bytes, L, sizes)),
        *(case for L in contexts[: 1 if quick else 4] for case in _one_request(L)),
        *(experts("fp32", 1 if quick else 2, each) for each in tokens),
    ]
    return list(dict.fromkeys(cases))


def _one_request(L: int) -> list[Case]:
    """All heads of the latent mechanism in both orders: with more requests the decompressed keys would be too large."""
    return list(attention(MLA.name, "fp32", {"B": 1, "L": L, "n_hd": 128}))


def _stream_bytes(cache_bytes: int, quick: bool) -> tuple[int, ...]:
    large = max(2**28, 4 * cache_bytes)
    return (large,) if quick else (large, 2 * large, 4 * large)


def _decode(mechanism: str, cache_bytes: int, L: int, sizes: dict[str, int]) -> list[Case]:
    B = requests(mechanism, cache_bytes, "fp32", L=L, **sizes)
    return list(attention(mechanism, "fp32", {"B": B, "L": L, **sizes}))


def _peaks(precision: str, edges: tuple[int, ...], streams: tuple[int, ...]) -> list[Case]:
    products = [gemm(precision, edge, edge, edge) for edge in edges]
    return products + [Case.of(kind, precision, bytes=size) for kind in ("read", "copy") for size in streams]


def cuda_cases(quick: bool) -> list[Case]:
    """Cases of a CUDA device, in BF16: the shapes of the issue's sweep, whether they fit or not."""
    batches = (1, 16, 128) if quick else (1, 4, 16, 64, 256)
    contexts = (1024, 16384) if quick else (1024, 4096, 16384, 65536)
    heads = (16, 128) if quick else (16, 32, 64, 128)
    shapes = [(MHA.name, {"n_hd": h}) for h in heads] + [(GQA.name, {"n_hd": h, "n_kv": 8}) for h in heads]
    shapes += [(MLA.name, {"n_hd": h}) for h in heads]
    tokens = [2**power for power in range(0, 13, 3 if quick else 1)]
    return [
        *_peaks("bf16", (4096, 8192) if quick else (2048, 4096, 8192, 16384), (2**30, 2**32)),
        *(
            case
            for name, sizes in shapes
            for B in batches
            for L in contexts
            for case in attention(name, "bf16", {"B": B, "L": L, **sizes})
        ),
        *(experts("bf16", 8, each) for each in tokens),
    ]
