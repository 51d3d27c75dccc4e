"""What stands behind results that are no quantity of `evaluate`: statement, what derives it, place in the paper.

A quantity knows its title and unit; here is only its place in the paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.derive.attention import MLA
from analysis.derive.block import Conventions

PAPER = {
    "kv_bytes_per_token": "Sec. III",
    "kv_cache_bytes": "Eq. 11",
    "core_attention_flops": "Eqs 1 to 8, Table III",
    "core_attention_bytes": "Table III",
    "core_attention_intensity": "Table III",
    "kv_decompression_flops": "Table III",
    "attention_block_time": "Fig. 6",
    "expert_intensity": "Sec. V",
    "ridge_point": "Table I",
    "B_attn": "Eq. 10",
    "B_MoE": "Eq. 10",
    "B_RP": "Eq. 10",
    "tpot": "Eq. 12",
    "tpot_terms": "Eq. 12",
    "tpot_bound": "Eq. 12",
    "tpot_eq12": "Eq. 12",
    "all_to_all_time": "Eq. 13",
    "B_cap": "Eq. 11",
    "weights_per_accelerator": "Eq. 11",
    "kv_bytes_per_accelerator": "Eq. 11",
    "B_SLO": "Eq. 12",
    "load_imbalance": "Sec. VII-C",
    "parameters": "Fig. 4",
    "active_parameters": "Fig. 4",
    "tokens_per_step": "Sec. IV-B",
    "ttft": "",
    "throughput": "Fig. 9",
    "throughput_per_accelerator": "Fig. 2",
    "cost_per_million_tokens": "Fig. 9, whose throughput it prices",
    **dict.fromkeys(("phi", "state_bytes", "index_intensity", "state_intensity", "wire_ratio"), ""),
    **dict.fromkeys(("stage_times", "ridge_by_stage"), ""),
}


@dataclass(frozen=True)
class Source:
    """A result's statement, the dotted name of the Python object behind it, its place in the paper, its assumptions."""

    statement: str
    python: str
    paper: str
    assumptions: Mapping[str, object] = field(default_factory=dict)


def _both(**more) -> dict[str, object]:
    """Assumptions of results on both contraction orders of MLA."""
    return {"attention": MLA.name, **{k: v for k, v in Conventions().chosen.items() if k != "order"}, **more}


def _reordered(**more) -> dict[str, object]:
    return {"attention": MLA.name, **Conventions("reordered").chosen, "causal": 1, **more}


MECHANISMS = "analysis.derive.statements.of_mechanisms"
ATTENTION, BALANCE, PARALLEL, QUERIES = (
    f"analysis.derive.statements.{part}"
    for part in ("proof_of_attention", "proof_of_balance", "proof_of_tensor", "proof_of_queries")
)
SPANNING = {"deg_EP": "n_acc"}

EQUATIONS = {
    "eq-core-by-hand": Source(
        "operations, bytes and their ratio of R1's core attention at one request, term by term",
        "analysis.render.counting.in_steps",
        "Sec. IV-B",
        _reordered(),
    ),
    "eq-order-flops": Source(
        "operations of decompression, or of the absorbed products, with core attention, in both orders",
        "analysis.derive.reordering.both_orders",
        "Sec. IV-B, Obs-2",
        _both(),
    ),
    "eq-order-bytes": Source(
        "bytes of decompression, or of the absorbed products, with core attention, in both orders",
        "analysis.derive.reordering.both_orders",
        "Sec. IV-B",
        _both(),
    ),
    "eq-crossing-flops": Source(
        "query length below which reordering needs fewer operations, and its limit at long contexts",
        "analysis.derive.reordering.crossing_in_flops",
        "Sec. IV-B",
        _both(),
    ),
    "eq-crossing-bytes": Source(
        "query length below which reordering moves fewer bytes",
        "analysis.derive.reordering.crossing_in_bytes",
        "Sec. IV-B",
        _both(),
    ),
    "eq-sharding": Source(
        "what stands in the place of each axis on one accelerator of a parallel system",
        "analysis.derive.parallel.sharded",
        "Sec. II, Table IV",
    ),
    "eq-tokens-per-expert": Source(
        "tokens that reach one expert, and the expected number of experts that at least one token reaches",
        "analysis.derive.parallel.tokens_per_expert",
        "Sec. V",
        {"routing": "even, or within the factor Gamma_imb of it", "groups": "one group of experts spans the system"},
    ),
    "eq-expert-knee": Source(
        "batch at which a routed expert reaches the ridge point, its activations charged",
        "analysis.derive.roofline.B_MoE",
        "Eq. 10",
        {"activations": True},
    ),
    "eq-thesis-full-memory": Source(
        "time of core attention at the batch that fills memory",
        f"{ATTENTION}.full_memory_proof",
        "Abstract, Eq. 11",
        _reordered(phase="decode", activations="not among what requests hold"),
    ),
    "eq-thesis-balance": Source(
        "intensity of experts over that of dense layers, and where it is one",
        f"{BALANCE}.balance_proof",
        "Abstract, Sec. V-B",
        {"activations": False},
    ),
    "eq-thesis-device": Source(
        "intensity below which a device of low ridge and high bandwidth is ahead",
        f"{ATTENTION}.device_proof",
        "Sec. VII-D",
        SPANNING,
    ),
    "eq-thesis-tensor": Source(
        "reordered core attention under tensor parallelism, and the cached tokens from which it costs time",
        f"{PARALLEL}.core_under_tensor_parallelism",
        "Sec. IV-C, Obs-5",
        _reordered(phase="decode", deg_DP="n_acc/deg_TP", alpha=0),
    ),
    "eq-thesis-elasticity": Source(
        "elasticities of throughput to arithmetic, bandwidth and interconnect at a fixed batch",
        f"{BALANCE}.elasticity_proof",
        "Abstract (version 1)",
        SPANNING | {"alpha": 0},
    ),
    "eq-thesis-attribution": Source(
        "what latent attention and experts give together over the product of what each gives alone",
        "analysis.derive.statements.proof_of_attribution.attribution_proof",
        "Fig. 2, Fig. 9",
        {"phase": "decode", "parameters": "equal in all", "activations": False, "alpha": 0},
    ),
    "eq-thesis-queries": Source(
        "intensity of reordered core attention with several query tokens, and throughput where drafts are accepted",
        f"{QUERIES}.query_tokens_proof",
        "Sec. IV-B",
        _reordered(),
    ),
    "eq-thesis-index-traffic": Source(
        "bytes that an index and its picks move, and the context at which both are equal",
        f"{MECHANISMS}.index_border",
        "after the paper",
        {"attention": "DSA"},
    ),
    "eq-thesis-state-traffic": Source(
        "bytes that a recurrent state and a cache move, and the context at which both are equal",
        f"{MECHANISMS}.state_border",
        "after the paper",
        {"attention": "GDN beside GQA"},
    ),
    "eq-thesis-wires-hidden": Source(
        "operations of routed experts for each byte exchanged, against arithmetic over link",
        f"{MECHANISMS}.work_of_a_byte",
        "after the paper",
        {"alpha": 0, "ffn": "gated"},
    ),
    "eq-thesis-schedule": Source(
        "tokens per expert against the expert-parallel degree", f"{BALANCE}.tokens_proof", "Sec. V, Obs-8"
    ),
    "eq-thesis-flip-context": Source(
        "context at which core attention reaches the ridge point",
        f"{ATTENTION}.context_at_ridge",
        "Sec. IV-B, Obs-3",
        _reordered(),
    ),
    "eq-thesis-flip-batch": Source(
        "batch at which experts and dense layers are equally intense, activations charged",
        f"{BALANCE}.balanced_batch",
        "Abstract, Sec. V-B",
        SPANNING | {"activations": True},
    ),
    "eq-thesis-flip-tokens": Source(
        "tokens per expert at which the device and the accelerator take equal time",
        f"{ATTENTION}.even_tokens",
        "Sec. VII-D",
        {"activations": False},
    ),
    "eq-thesis-flip-heads": Source(
        "query heads per accelerator at which the device and the accelerator take equal time on core attention",
        f"{ATTENTION}.even_heads",
        "Sec. VII-D",
        _reordered(context="without bound"),
    ),
}

PROPOSITIONS = {  # proved in words on their page; the others have the proof eq-NAME
    "prop-reordering": Source(
        "both orders give equal attention",
        "analysis.derive.brackets.scores_and_context",
        "Eqs 7 and 8",
        {"attention": MLA.name, "arithmetic": "exact", "rotary": "on q_R and k_R alone"},
    )
}
