"""TPOT of the paper's three systems by plain arithmetic: every shape typed, nothing taken from the study's code.

32 accelerators of 2.25e15 FLOP/s and 8e12 byte/s, links of 9e11 byte/s, elements of two bytes, 1024 requests of
2048 tokens. A kernel is written as (FLOPs, elements that cross its boundary).
"""

PEAK, MEMORY, WIRE, WIDTH = 2.25e15, 8e12, 9e11, 2
REQUESTS, CONTEXT = 1024, 2048


def roof(*kernels, peak=PEAK, memory=MEMORY):
    """Seconds of kernels run one after another."""
    return sum(max(flops / peak, WIDTH * elements / memory) for flops, elements in kernels)


def product(rows, inner, columns):
    """A matrix product [rows inner] x [inner columns], nothing kept on the chip."""
    return 2 * rows * inner * columns, rows * inner + inner * columns + rows * columns


def ffn(rows, width, hidden, matrices):
    """A fused feed-forward layer: input, weights and output cross the boundary, the hidden vector does not."""
    return 2 * matrices * rows * width * hidden, 2 * rows * width + matrices * width * hidden


def ring(rows, width, members):
    """Seconds of one ring all-reduce of a [rows width] tensor."""
    return 2 * (members - 1) / members * WIDTH * rows * width / WIRE


def gpt3():
    """GPT-3 on TP8 DP4: 256 requests and 12 of 96 heads on an accelerator; 49152 / 8 hidden, 50257 / 8 words."""
    b, heads = REQUESTS // 4, 12
    core = (2 * 2 * b * heads * CONTEXT * 128, 2 * b * heads * 128 + 2 * b * CONTEXT * heads * 128)
    return {
        "attention_projections": 96 * roof(*3 * [product(b, 12288, heads * 128)], product(b, heads * 128, 12288)),
        "kv_decompression": 0,
        "core_attention": 96 * roof(core),
        "dense_ffn": 96 * roof(ffn(b, 12288, 6144, 2)),
        "routed_experts": 0,
        "shared_expert": 0,
        "router": 0,
        "residual_streams": 0,
        "output_head": roof(product(b, 12288, 50257 / 8)),
        "dispatch": 0,
        "combine": 0,
        "all_reduce": 96 * 2 * ring(b, 12288, 8),
    }


def llama4():
    """Llama-4 Maverick on TP8 DP4 EP32: one KV head with 5 query heads and 4 of 128 experts on an accelerator.

    24 of 48 blocks have experts; 1024 / 32 tokens reach each accelerator, one expert per token.
    """
    b, here = REQUESTS // 4, REQUESTS // 32
    reached = 4 * (1 - (127 / 128) ** REQUESTS)
    core = (2 * 2 * b * 5 * CONTEXT * 128, 2 * b * 5 * 128 + 2 * b * CONTEXT * 128)
    experts = (3 * 2 * here * 5120 * 8192, 2 * here * 5120 + reached * 3 * 5120 * 8192)
    travel = 24 * here * 5120 * WIDTH / WIRE
    return {
        "attention_projections": 48 * roof(product(b, 5120, 640), *2 * [product(b, 5120, 128)], product(b, 640, 5120)),
        "kv_decompression": 0,
        "core_attention": 48 * roof(core),
        "dense_ffn": 24 * roof(ffn(b, 5120, 2048, 3)),
        "routed_experts": 24 * roof(experts),
        "shared_expert": 24 * roof(ffn(b, 5120, 1024, 3)),
        "router": 24 * roof(product(b, 5120, 128)),
        "residual_streams": 0,
        "output_head": roof(product(b, 5120, 25256)),
        "dispatch": travel,
        "combine": travel,
        "all_reduce": (48 + 24 + 24) * ring(b, 5120, 8),
    }


def r1_experts(requests=REQUESTS, gamma=1.0, **device):
    """Seconds of R1's routed experts on 32 accelerators: 8 of 256 experts on each, 8 per token, 58 blocks."""
    here = gamma * requests * 8 / 32
    reached = 8 * (1 - (248 / 256) ** requests)
    return 58 * roof((3 * 2 * here * 7168 * 2048, 2 * here * 7168 + reached * 3 * 7168 * 2048), **device)


def r1():
    """DeepSeek-R1 reordered on TP1 DP32 EP32: 32 requests and all 128 heads on an accelerator."""
    b, heads = REQUESTS // 32, 128
    projections = [product(b, 7168, n) for n in (1536, 512, 64)] + [product(b, 1536, heads * n) for n in (128, 64)]
    absorbed = (2 * b * heads * 128 * 512, b * heads * 128 + 512 * heads * 128 + b * heads * 512)
    core = (
        2 * b * heads * CONTEXT * (512 + 64 + 512),
        b * heads * (512 + 64) + b * CONTEXT * (512 + 64) + b * heads * 512,
    )
    travel = 58 * (REQUESTS * 8 / 32) * 7168 * WIDTH / WIRE
    return {
        "attention_projections": 61 * roof(*projections, product(b, heads * 128, 7168)),
        "kv_decompression": 61 * roof(absorbed, absorbed),
        "core_attention": 61 * roof(core),
        "dense_ffn": 3 * roof(ffn(b, 7168, 18432, 3)),
        "routed_experts": r1_experts(),
        "shared_expert": 58 * roof(ffn(b, 7168, 2048, 3)),
        "router": 58 * roof(product(b, 7168, 256)),
        "residual_streams": 0,
        "output_head": roof(product(b, 7168, 129280)),
        "dispatch": travel,
        "combine": travel,
        "all_reduce": 0,
    }


def r1_as_printed():
    """The two terms of R1 that change when keys and values are decompressed before the core reads them."""
    b, heads = REQUESTS // 32, 128
    decompressed = (
        2 * b * CONTEXT * 512 * heads * 128,
        b * CONTEXT * 512 + 512 * heads * 128 + b * CONTEXT * heads * 128,
    )
    core = (
        2 * b * heads * CONTEXT * (128 + 64 + 128),
        b * heads * (128 + 64) + b * CONTEXT * heads * (128 + 64 + 128) + b * heads * 128,
    )
    return {"kv_decompression": 61 * roof(decompressed, decompressed), "core_attention": 61 * roof(core)}
