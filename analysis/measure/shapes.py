"""The sweeps: which cases are timed on a CPU, quickly or in full, and on a CUDA device."""

from collections.abc import Iterator
from math import ceil

from analysis.derive.attention import GQA, MHA, MLA
from analysis.derive.sparse import DSA, MSA
from analysis.derive.states import GDN, KDA, Mamba2
from analysis.measure.cases import Case, attention, experts, gemm, of_mechanism

BEYOND_CACHE = 2.5
"""Working sets of memory-bound cases exceed the last-level cache by this factor."""


PICKING, STATEFUL = (DSA.name, MSA.name), (GDN.name, KDA.name, Mamba2.name)
QUERIES = 64
"""Queries of one request whose index is timed beside that of one query each."""


def requests(mechanism: str, cache_bytes: int, precision: str, **sizes: int) -> int:
    """Requests B with which a mechanism's core works on more than the last-level cache holds.

    >>> requests("MHA", 32 * 2**20, "fp32", L=1024, n_hd=32)
    3
    """
    one = list(attention(mechanism, precision, {"B": 1, **sizes}))[-1]
    return max(1, ceil(BEYOND_CACHE * cache_bytes / one.bytes_held))


def beyond_cache(cache_bytes: int, operation: str, mechanism: str, **sizes: int) -> int:
    """Requests B with which one query token of each touches more rows or states than the last-level cache holds.

    >>> beyond_cache(32 * 2**20, "state_step", "KDA")
    39
    """
    one = of_mechanism(operation, mechanism, "fp32", **sizes, B=1)
    return max(1, ceil(BEYOND_CACHE * cache_bytes / one.bytes_read))


def picking(mechanism: str, precision: str, **sizes: int) -> Iterator[Case]:
    """The index of a mechanism, and the pick of the rows that it scores highest."""
    yield of_mechanism("index", mechanism, precision, **sizes)
    yield of_mechanism("select", mechanism, precision, **sizes)


def _picks(quick: bool, cache_bytes: int) -> Iterator[Case]:
    """Index, pick, and attention to picked rows; twice the requests where a context is short enough for them."""
    for name in PICKING:
        for L, times in ((8192, 1),) if quick else ((8192, 1), (16384, 1), (4096, 2)):
            scored, read = (beyond_cache(cache_bytes, each, name, L=L) for each in ("index", "core_attention"))
            yield from picking(name, "fp32", L=L, B=scored)
            for heads in ({}, {"n_hd": 16}) if name == DSA.name and not quick else ({},):
                yield of_mechanism("core_attention", name, "fp32", L=L, B=times * read, **heads)
    if not quick:
        yield from picking(DSA.name, "fp32", L=4096, B=1, l=QUERIES)


def _states(quick: bool, cache_bytes: int) -> Iterator[Case]:
    """Steps of a state, and prompts that pass one in chunks."""
    for name in STATEFUL:
        for times in (1,) if quick else (1, 2):
            yield of_mechanism("state_step", name, "fp32", B=times * beyond_cache(cache_bytes, "state_step", name))
        for L, B in ((512, 1),) if quick else ((512, 1), (2048, 1), (512, 2)):
            yield of_mechanism("state_prompt", name, "fp32", B=B, L=L, l=L)


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
        *_picks(quick, cache_bytes),
        *_states(quick, cache_bytes),
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
        *(
            case
            for name in PICKING
            for B in batches
            for L in contexts
            for case in (*picking(name, "bf16", B=B, L=L), of_mechanism("core_attention", name, "bf16", B=B, L=L))
        ),
        *(of_mechanism("state_step", name, "bf16", B=B) for name in STATEFUL for B in batches),
        *(of_mechanism("state_prompt", name, "bf16", B=1, L=L, l=L) for name in STATEFUL for L in contexts),
    ]
