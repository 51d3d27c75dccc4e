"""Attention as published models vary it: output gates, values of another width, keys that are values; Mamba-1, LFM2.

A gate multiplies what heads give, element-wise or head by head. Sources: the model classes of transformers 5.24 for
Qwen3-Next, Gemma 4, MiMo-V2, Step-3.5, DeepSeek-V4, Jamba and LFM2; Kimi-K3's configuration; Mamba, arXiv 2312.00752.
"""

from dataclasses import replace

from analysis.derive.attention import GQA, MLA, Mechanism
from analysis.derive.compressing import HCA, core_of
from analysis.derive.states import KDA, recurrence, short_convolution


def _gated(mechanism: Mechanism, name: str, title: str, heads: str, gate: str) -> Mechanism:
    """The mechanism with a gate on its output, of axes `gate`, made from the block's input."""
    return replace(
        mechanism,
        name=name,
        title=f"{mechanism.title} with {title}",
        projections_text=f"{mechanism.projections_text}\n g[B l {gate}] = H[B l d_emb] W_G[d_emb {gate}]",
        output_text=f"p[B l {heads}] <- o[B l {heads}] g[B l {gate}]\n{mechanism.output_text.replace('= o[', '= p[')}",
    )


GQA_gated = _gated(GQA, "GQA_gated", "a gate of each element", "n_kv deg_grp d_hd", "n_kv deg_grp d_hd")
GQA_head_gated = _gated(GQA, "GQA_head_gated", "a gate of each head", "n_kv deg_grp d_hd", "n_kv deg_grp")
MLA_gated = _gated(MLA, "MLA_gated", "a gate of each element", "n_hd d_v", "n_hd d_v")

GQA_values = replace(
    GQA,
    name="GQA_values",
    title="grouped-query attention with values of a width of their own",
    cache_text="k[B L n_kv d_hd] v[B L n_kv d_v]",
    projections_text="""
        q[B l n_kv deg_grp d_hd] = H[B l d_emb] W_Q[d_emb n_kv deg_grp d_hd]
        k_new[B l n_kv d_hd]     = H[B l d_emb] W_K[d_emb n_kv d_hd]
        v_new[B l n_kv d_v]      = H[B l d_emb] W_V[d_emb n_kv d_v]
    """,
    core_text={
        "as_printed": """
            S[B n_kv deg_grp l L]   = q[B l n_kv deg_grp d_hd] k[B L n_kv d_hd]
            o[B l n_kv deg_grp d_v] = S[B n_kv deg_grp l L] v[B L n_kv d_v]
        """
    },
    output_text="y[B l d_emb] = o[B l n_kv deg_grp d_v] W_out[n_kv deg_grp d_v d_emb]",
)

GQA_one = replace(
    GQA,
    name="GQA_one",
    title="grouped-query attention with keys and values of one projection",
    projections_text="""
        q[B l n_kv deg_grp d_hd] = H[B l d_emb] W_Q[d_emb n_kv deg_grp d_hd]
        k_new[B l n_kv d_hd]     = H[B l d_emb] W_K[d_emb n_kv d_hd]
        v_new[B l n_kv d_hd]    <- k_new[B l n_kv d_hd]
    """,
)

SWA = replace(
    HCA,
    name="SWA",
    title="attention to a window of rows that are key and value",
    cache_text="x[B L_win d_hd]",
    states_text="",
    projections_text="""
        c_Q[B l d_Qco]   = H[B l d_emb] W_CQ[d_emb d_Qco]
        q[B l n_hd d_hd] = c_Q[B l d_Qco] W_Q[d_Qco n_hd d_hd]
        x_new[B l d_hd]  = H[B l d_emb] W_KV[d_emb d_hd]
    """,
    more_text={},
    core_text={"as_printed": core_of("x[B L_win d_hd]", "L_win")},
)

KDA_gated = replace(
    KDA,
    name="KDA_gated",
    title=f"{KDA.title}, its output gate of full rank",
    projections_text=KDA.projections_text.replace("z_lr[B l d_dec]  = H[B l d_emb] W_CZ[d_emb d_dec]", "").replace(
        "z_lr[B l d_dec] W_Z[d_dec", "H[B l d_emb] W_Z[d_emb"
    ),
)

ShortConv = Mechanism(
    "ShortConv",
    "short convolution between two gates",
    cache_text="",
    past_text="v_past[B n_past n_v]",
    projections_text="""
        x[B l n_v] = H[B l d_emb] W_X[d_emb n_v]
        g[B l n_v] = H[B l d_emb] W_G[d_emb n_v]
        z[B l n_v] = H[B l d_emb] W_Z[d_emb n_v]
    """,
    more_text={"convolution": f"v[B l n_v] <- x[B l n_v] g[B l n_v]\n{short_convolution('u', 'v', 'n_v')}"},
    core_text={"as_printed": "o[B l n_v] <- u[B l n_v] z[B l n_v]"},
    output_text="y[B l d_emb] = o[B l n_v] W_out[n_v d_emb]",
)

Mamba = Mechanism(
    "Mamba",
    "state-space layer of Mamba-1",
    cache_text="",
    states_text="M[B n_v d_k]",
    past_text="v_past[B n_past n_v]",
    projections_text="""
        v[B l n_v] = H[B l d_emb] W_X[d_emb n_v]
        z[B l n_v] = H[B l d_emb] W_Z[d_emb n_v]
    """,
    more_text={
        "convolution": f"""
            {short_convolution("u", "v", "n_v")}
            q[B l d_k]   = u[B l n_v] W_C[n_v d_k]
            k[B l d_k]   = u[B l n_v] W_B[n_v d_k]
            t[B l d_dec] = u[B l n_v] W_CA[n_v d_dec]
            a[B l n_v]   = t[B l d_dec] W_A[d_dec n_v]
        """
    },
    core_text={
        "as_printed": recurrence("n_v d_k", "a[B l n_v]", "k[B l d_k]", "u[B l n_v]", "q[B l d_k]", "o[B l n_v]")
    },
    output_text="p[B l n_v] <- o[B l n_v] z[B l n_v]; y[B l d_emb] = p[B l n_v] W_out[n_v d_emb]",
)
