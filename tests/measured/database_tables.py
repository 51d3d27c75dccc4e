"""Small tables in the layout of the public kernel database, made by the tests themselves."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ABOUT = {"framework": "F", "version": "1", "device": "D", "op_name": "op", "kernel_source": "default"}
GQA = ABOUT | {
    "batch_size": 128,
    "isl": 1,
    "num_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "attn_dtype": "bfloat16",
    "kv_cache_dtype": "bfloat16",
    "step": 4095,
    "window_size": 0,
    "beam_width": 1,
    "latency": 0.8,
}
MLA = ABOUT | {
    "batch_size": 128,
    "isl": 1,
    "num_heads": 16,
    "mla_dtype": "bfloat16",
    "kv_cache_dtype": "bfloat16",
    "tp_size": 8,
    "step": 8191,
    "latency": 0.5,
}
MOE = ABOUT | {
    "moe_dtype": "bfloat16",
    "num_tokens": 256,
    "hidden_size": 7168,
    "inter_size": 2048,
    "topk": 8,
    "num_experts": 256,
    "moe_tp_size": 1,
    "moe_ep_size": 8,
    "distribution": "balanced",
    "latency": 1.0,
}
EXCHANGE = ABOUT | {
    "op_name": "alltoall_dispatch",
    "moe_dtype": "bfloat16",
    "num_tokens": 128,
    "hidden_size": 7168,
    "topk": 8,
    "num_experts": 256,
    "moe_ep_size": 8,
    "distribution": "balanced",
    "latency": 0.04,
}
LOW_LATENCY = {
    "framework": "F",
    "version": "1",
    "device": "D",
    "op_name": "ll",
    "kernel_source": "deepep",
    "node_num": 4,
    "hidden_size": 7168,
    "num_token": 128,
    "num_topk": 8,
    "num_experts": 256,
    "combine_avg_t_us": 263.0,
    "combine_bandwidth_gbps": 1.0,
    "dispatch_avg_t_us": 143.0,
    "dispatch_bandwidth_gbps": 1.0,
}
GEMM = ABOUT | {"gemm_dtype": "fp8", "m": 4096, "n": 4096, "k": 7168, "latency": 0.2}


def write(folder: Path, place: str, *rows: dict) -> Path:
    """Write rows as the table `place` (system/operation/framework/version/table) under `folder`."""
    path = folder / f"{place}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path
