"""Hand arithmetic for the ledger's tests: sizes and roofline times typed as numbers, no formula of `analysis` used."""

HEADS, NOPE, ROPE, LATENT, QUERY, EMB = 128, 128, 64, 512, 1536, 7168  # DeepSeek-R1
PEAK, BANDWIDTH = 2250e12, 8000e9  # B200 as printed
R1_ATTENTION = EMB * QUERY + EMB * LATENT + EMB * ROPE + QUERY * HEADS * 192 + LATENT * HEADS * 256 + HEADS * 128 * EMB
R1_EXPERT = 3 * EMB * 2048
R1_BESIDE_ROUTED = (
    61 * (R1_ATTENTION + 2 * EMB + QUERY + LATENT)
    + 3 * 3 * EMB * 18432
    + 58 * (R1_EXPERT + EMB * 256 + 256)
    + 2 * 129280 * EMB
    + EMB
)
R1 = R1_BESIDE_ROUTED + 58 * 256 * R1_EXPERT
R1_ACTIVE = R1_BESIDE_ROUTED + 58 * 8 * R1_EXPERT - 129280 * EMB
GPT3 = 96 * (12 * 12288**2 + 13 * 12288) + (50257 + 2048) * 12288 + 2 * 12288
LLAMA4 = (
    48 * (2 * 5120 * 5120 + 2 * 5120 * 1024 + 2 * 5120)
    + 24 * 3 * 5120 * 16384
    + 24 * (129 * 3 * 5120 * 8192 + 5120 * 128)
    + 2 * 202048 * 5120
    + 5120
)
R1_TOKEN, GPT3_TOKEN, LLAMA4_TOKEN = 61 * 576 * 2, 96 * 2 * 12288 * 2, 48 * 2 * 1024 * 2


def product(rows: float, inner: float, outer: float) -> tuple[float, float]:
    """FLOPs and bytes of (rows x inner) times (inner x outer), two bytes each."""
    return 2 * rows * inner * outer, 2 * (rows * inner + inner * outer + rows * outer)


def per_head(rows: float, inner: float, outer: float, heads: int) -> tuple[float, float]:
    """The same once per head."""
    return tuple(heads * each for each in product(rows, inner, outer))


def parts(B: float, L: float, reordered: bool, l: float = 1, causal: float = 1, heads: int = HEADS) -> dict:
    """FLOPs and bytes of each kernel of one MLA block by stage, fused core, RoPE in, its key copied per head."""
    new, old, pairs = B * l, B * L, B * heads * l * L * causal
    projections = [product(new, EMB, QUERY), product(new, EMB, LATENT), product(new, EMB, ROPE)]
    projections += [product(new, QUERY, heads * NOPE), product(new, QUERY, heads * ROPE)]
    if reordered:
        decompression = [per_head(new, NOPE, LATENT, heads), per_head(new, LATENT, 128, heads)]
        moved = old * (LATENT + ROPE) + new * heads * (LATENT + ROPE + LATENT)
        core = (2 * pairs * (LATENT + ROPE + LATENT), 2 * moved)
    else:
        decompression = [product(old, LATENT, heads * NOPE), product(old, LATENT, heads * 128)]
        core = (2 * pairs * (NOPE + ROPE + 128), 2 * (old + new) * heads * (NOPE + ROPE + 128))
    output = [product(new, heads * 128, EMB)]
    return {"projections": projections, "decompression": decompression, "core": [core], "output": output}


def times(*given, **more) -> dict[str, float]:
    """Seconds of each stage on a B200."""
    return {
        stage: sum(max(flops / PEAK, moved / BANDWIDTH) for flops, moved in kernels)
        for stage, kernels in parts(*given, **more).items()
    }


def block(*given, **more) -> float:
    """Seconds of the block."""
    return sum(times(*given, **more).values())


def speedup(B: float, L: float) -> float:
    """Decode: block time without over with reordering."""
    return block(B, L, False) / block(B, L, True)


def slowdown(B: float, L: float, causal: float = 1) -> float:
    """Prefill: block time with over without reordering."""
    return block(B, L, True, l=L, causal=causal) / block(B, L, False, l=L, causal=causal)


def tp_speed(B: float) -> float:
    """Decode at L = 4096, reordered: 8 data-parallel accelerators' time over that of TP8 with the same B requests."""
    return block(B / 8, 4096, True) / block(B, 4096, True, heads=16)


def share(*stages: str) -> float:
    """Percent of the block without reordering at B = 128 and L = 4096."""
    found = times(128, 4096, False)
    return 100 * sum(found[stage] for stage in stages) / sum(found.values())


def held_without_reordering(B: float, L: float) -> float:
    """Bytes on one of 32 accelerators: weights, cache, and one block's decompressed keys and values."""
    weights = 2 * (R1_BESIDE_ROUTED - 2 * 129280 * EMB + 58 * 256 * R1_EXPERT / 32)
    return weights + B * L * (R1_TOKEN + 2 * HEADS * (NOPE + ROPE + 128))


def gated(tokens: float, inner: float) -> float:
    """FLOP/byte of a gated feed-forward layer whose intermediate vector stays on the chip."""
    return 6 * tokens * EMB * inner / (2 * (3 * EMB * inner + 2 * tokens * EMB))
