"""Tables of the public kernel database, mapped to the study's columns: names, number formats, units.

Each function takes the cells of a batch of source rows and returns study columns (arrays, or one value for all rows).
Latency in these tables is in ms, except where a column's name says us.
"""

from collections.abc import Callable

import numpy as np

from analysis.data import datasets
from analysis.derive.attention import GQA, MHA, MLA
from analysis.measured.kernel_rows import PRECISIONS
from analysis.measured.source_cells import Cells, SourceTable, Words

MILLI, MICRO = 1e-3, 1e-6
NODE = 8  # accelerators of a node in the database's InfiniBand systems
BETWEEN_NODES = "ib-ndr"

SYSTEMS = {
    "a100_sxm": "a100-sxm4-80gb",
    "h100_sxm": "h100-sxm5",
    "h200_sxm": "h200-sxm5",
    "b200_sxm": "b200-sxm",
    "b300_sxm": "b300-sxm",
    "gb200": "gb200-nvl72",
    "gb200_sxm": "gb200-nvl72",
    "gb300": "gb300-nvl72",
    "l40s": "l40s",
    "rtx_pro_6000_server": "rtx-pro-6000-bse",
}
"""The database's system folders and the rows of accelerators.csv that they are."""

FORMATS = {  # number format of the source -> (precision, bytes of a weight)
    "bfloat16": ("bf16", 2),
    "float16": ("fp16", 2),
    "half": ("fp16", 2),
    "fp8": ("fp8", 1),
    "fp8_block": ("fp8", 1),
    "nvfp4": ("fp4", 0.5),
    "w4a16_mxfp4": ("bf16", 0.5),
    "w4a8_mxfp4_mxfp8": ("fp8", 0.5),
}
CACHE_BYTES = {"bfloat16": 2, "float16": 2, "fp8": 1}
MLA_MODEL = "deepseek-v3"  # the database times MLA at this model's sizes
LATENT = ("d_KVco", "d_nope", "d_RoPE", "d_v")
ABSORBED = ("mla_gen_pre", "mla_gen_post")  # the products that reordering leaves beside the core
PREFILL_ORDERS = {("trtllm", "default"): "as_printed", ("sglang", "flash_attention"): "reordered"}


COMMON = frozenset({"framework", "version", "device", "op_name", "kernel_source"})


def _table(needed: str, optional: str, columns: Callable[[Cells], list[dict]]) -> SourceTable:
    wanted = frozenset(needed.split())
    return SourceTable(wanted, COMMON | wanted | frozenset(optional.split()), columns)


def _kernel(cells: Cells) -> dict:
    whose = f"{cells.framework} {cells.version}"
    if not cells.has("kernel_source"):
        return {"kernel": whose, "accelerator": cells.accelerator}
    words = cells.text("kernel_source")
    named = tuple(f"{whose}, {word}" for word in words.levels)
    return {"kernel": Words(words.codes, named), "accelerator": cells.accelerator}


def _formats(cells: Cells, name: str) -> dict:
    """Precision and weight width; activations are as wide as the precision, which keeps their cell empty."""
    words = cells.text(name)
    weights = words.mapped(lambda word: FORMATS[word][1] if word in FORMATS else None)
    known = [FORMATS.get(word, (None,))[0] for word in words.levels] + [None]
    levels = tuple(PRECISIONS)
    codes = np.array([levels.index(each) if each else -1 for each in known])[words.codes]
    return {"precision": Words(codes, levels), "width_weights": weights}


def _attention(cells: Cells, dtype: str) -> dict:
    cached = cells.text("kv_cache_dtype").mapped(CACHE_BYTES.get)
    shape = {
        "operation": "core_attention",
        "grouping": "fused",
        "B": cells.number("batch_size"),
        "n_hd": cells.number("num_heads"),
    }
    return (
        _kernel(cells)
        | _formats(cells, dtype)
        | shape
        | {"width_kv": cached, "latency": MILLI * cells.number("latency")}
    )


def _phase(cells: Cells) -> dict:
    """Query and context length: `step` tokens lie in the cache before the `isl` of this step."""
    query = cells.number("isl")
    return {"l": query, "L": query + cells.number("step", 0.0), "causal": np.where(query == 1, 1.0, 0.5)}


def _grouped_attention(cells: Cells) -> list[dict]:
    heads, kv = cells.number("num_heads"), cells.number("num_key_value_heads")
    mechanism = Words((heads != kv).astype(int), (MHA.name, GQA.name))
    return [
        _attention(cells, "attn_dtype")
        | _phase(cells)
        | {"mechanism": mechanism, "n_kv": kv, "d_hd": cells.number("head_dim")}
    ]


def _latent_attention(cells: Cells) -> list[dict]:
    sizes = datasets.model(MLA_MODEL)
    words = cells.text("kernel_source")
    decode = cells.number("isl") == 1
    prefill = words.mapped(
        lambda word: {"as_printed": 0, "reordered": 1}.get(PREFILL_ORDERS.get((cells.framework, word))), -1, int
    )
    order = Words(np.where(decode, 1, prefill), ("as_printed", "reordered"))
    latent = {name: float(getattr(sizes, name)) for name in LATENT}
    return [_attention(cells, "mla_dtype") | _phase(cells) | {"mechanism": MLA.name, "order": order} | latent]


def _absorbed(cells: Cells) -> list[dict]:
    """Queries taken into the latent space and results out of it: two rows of the source, one here in place of the
    first.
    """
    sizes, formats = datasets.model(MLA_MODEL), _formats(cells, "bmm_dtype")
    tokens, heads, latency = (cells.number(name) for name in ("num_tokens", "num_heads", "latency"))
    half = cells.text("op_name").mapped(lambda word: ABSORBED.index(word) if word in ABSORBED else None)
    keys = list(zip(formats["precision"].codes, tokens, heads, strict=True))
    second = {key: time for key, time, which in zip(keys, latency, half, strict=True) if which == 1}
    both = latency + np.array([second.get(key, np.nan) for key in keys])
    shape = {
        "operation": "decompression",
        "mechanism": MLA.name,
        "order": "reordered",
        "grouping": "layered",
        "B": tokens,
        "L": 1.0,
        "l": 1.0,
        "n_hd": heads,
        "causal": 1.0,
        "latency": MILLI * both,
    }
    return [_kernel(cells) | formats | shape | {name: float(getattr(sizes, name)) for name in LATENT}]


def _experts(cells: Cells) -> list[dict]:
    shape = {
        "operation": "experts",
        "grouping": "fused",
        "tokens": cells.number("num_tokens"),
        "d_emb": cells.number("hidden_size"),
        "d_MoE": cells.number("inter_size") / cells.number("moe_tp_size"),
        "n_e": cells.number("num_experts"),
        "n_k": cells.number("topk"),
        "deg_EP": cells.number("moe_ep_size"),
        "routing": "balanced",
        "causal": 1.0,
    }
    return [_kernel(cells) | _formats(cells, "moe_dtype") | shape | {"latency": MILLI * cells.number("latency")}]


def _group(cells: Cells, tokens: str, degree: np.ndarray) -> dict:
    return {
        "grouping": "fused",
        "tokens": cells.number(tokens) * degree,
        "d_emb": cells.number("hidden_size"),
        "n_e": cells.number("num_experts"),
        "deg_EP": degree,
        "causal": 1.0,
        "link": datasets.accelerator(cells.accelerator).link,
    }


def _exchange(cells: Cells) -> list[dict]:
    names = cells.text("op_name")
    levels = ("dispatch", "combine")
    codes = names.mapped(lambda word: {"alltoall_dispatch": 0, "alltoall_combine": 1}.get(word), -1, int)
    formats = _formats(cells, "moe_dtype")
    bf16 = tuple(PRECISIONS).index("bf16")  # results travel back in BF16 whatever the experts' inputs were
    formats["precision"] = Words(np.where(codes == 1, bf16, formats["precision"].codes), tuple(PRECISIONS))
    return [
        _kernel(cells)
        | formats
        | _group(cells, "num_tokens", cells.number("moe_ep_size"))
        | {
            "operation": Words(codes, levels),
            "n_k": cells.number("topk"),
            "latency": MILLI * cells.number("latency"),
            "width_weights": np.full(len(cells), np.nan),
        }
    ]


def _low_latency_exchange(cells: Cells) -> list[dict]:
    nodes = cells.number("node_num")
    several = nodes > 1
    shape = (
        _kernel(cells)
        | _group(cells, "num_token", nodes * NODE)
        | {
            "n_k": cells.number("num_topk"),
            "link_between": Words(np.where(several, 0, -1), (BETWEEN_NODES,)),
            "group": np.where(several, float(NODE), np.nan),
        }
    )
    return [
        shape | {"operation": name, "precision": precision, "latency": MICRO * cells.number(f"{name}_avg_t_us")}
        for name, precision in (("dispatch", "fp8"), ("combine", "bf16"))
    ]


def _product(cells: Cells) -> list[dict]:
    shape = {
        "operation": "gemm",
        "grouping": "fused",
        "causal": 1.0,
        "tokens": cells.number("m"),
        "d_FFN": cells.number("n"),
        "d_emb": cells.number("k"),
    }
    return [_kernel(cells) | _formats(cells, "gemm_dtype") | shape | {"latency": MILLI * cells.number("latency")}]


def _all_reduce(cells: Cells, dtype: str) -> list[dict]:
    """The source counts elements of the tensor on each accelerator, not bytes."""
    formats = _formats(cells, dtype)
    shape = {
        "operation": "all_reduce",
        "grouping": "fused",
        "causal": 1.0,
        "bytes": cells.number("message_size") * formats["width_weights"],
        "deg_TP": cells.number("num_gpus"),
        "link": datasets.accelerator(cells.accelerator).link,
        "width_weights": np.full(len(cells), np.nan),
    }
    return [_kernel(cells) | formats | shape | {"latency": MILLI * cells.number("latency")}]


_HEADS = "kernel_source batch_size isl num_heads num_key_value_heads head_dim attn_dtype kv_cache_dtype latency"
_LATENT = "kernel_source batch_size isl num_heads mla_dtype kv_cache_dtype latency"
_GROUPS = "kernel_source hidden_size topk num_experts moe_ep_size latency"
_MICROSECONDS = "combine_avg_t_us dispatch_avg_t_us"
TABLES: dict[str, SourceTable] = {
    "generation_attention_perf": _table(f"{_HEADS} step", "beam_width window_size", _grouped_attention),
    "context_attention_perf": _table(_HEADS, "step beam_width window_size", _grouped_attention),
    "generation_mla_perf": _table(f"{_LATENT} step", "tp_size beam_width", _latent_attention),
    "context_mla_perf": _table(_LATENT, "step tp_size beam_width", _latent_attention),
    "moe_perf": _table(f"moe_dtype num_tokens inter_size moe_tp_size distribution {_GROUPS}", "", _experts),
    "trtllm_alltoall_perf": _table(f"op_name moe_dtype num_tokens {_GROUPS}", "distribution", _exchange),
    "wideep_deepep_ll_perf": _table(
        f"kernel_source node_num hidden_size num_token num_topk num_experts {_MICROSECONDS}",
        "combine_bandwidth_gbps dispatch_bandwidth_gbps",
        _low_latency_exchange,
    ),
    "nccl_perf": _table(
        "op_name nccl_dtype num_gpus message_size latency", "", lambda cells: _all_reduce(cells, "nccl_dtype")
    ),
    "custom_allreduce_perf": _table(
        "allreduce_dtype num_gpus message_size latency", "", lambda cells: _all_reduce(cells, "allreduce_dtype")
    ),
    "mla_bmm_perf": _table("op_name bmm_dtype num_tokens num_heads latency", "", _absorbed),
    "gemm_perf": _table("kernel_source gemm_dtype m n k latency", "", _product),
}
"""Tables that the importer reads, by file name without its ending."""
