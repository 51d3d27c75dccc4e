"""Attention to picked rows, and to rows that heads share: paragraphs beside those of `attention.py`.

Rows that are picked are gathered inside the core's kernel, so that it moves each row it touches once; index scores
and picked positions cross between kernels. Sources: DSA, arXiv 2512.02556 (sec. 2); its indices shared by blocks, the
configuration of GLM-5.2; MSA, that of MiniMax-M3; GLA and GTA, arXiv 2505.21487; MFA, arXiv 2412.19255.
"""

from dataclasses import replace

from analysis.derive.attention import GQA, MLA, Mechanism

DSA_shared = replace(
    MLA,
    name="DSA_shared",
    title="latent attention to the rows that an earlier block picked",
    decompression_text={"reordered": MLA.decompression_text["reordered"]},
    core_text={
        "reordered": """
            c_T[B l L_top d_KVco] <- c_KV[B L_top d_KVco] T[B l L_top]
            r_T[B l L_top d_RoPE] <- k_R[B L_top d_RoPE] T[B l L_top]
            S[B n_hd l L_top]     = q_C[B l n_hd d_KVco] c_T[B l L_top d_KVco]
            S[B n_hd l L_top]     = q_R[B l n_hd d_RoPE] r_T[B l L_top d_RoPE]
            o_C[B l n_hd d_KVco]  = S[B n_hd l L_top] c_T[B l L_top d_KVco]
        """
    },
    scores=("J", "T"),
    shared_key="",
)

DSA = replace(
    DSA_shared,
    name="DSA",
    title="latent attention to rows picked by an index",
    cache_text=f"{MLA.cache_text} k_I[B L d_I]",
    projections_text=MLA.projections_text
    + """
        q_I[B l h_I d_I] = c_Q[B l d_Qco] W_QI[d_Qco h_I d_I]
        k_I_new[B l d_I] = H[B l d_emb] W_KI[d_emb d_I]
        g_I[B l h_I]     = H[B l d_emb] W_GI[d_emb h_I]
    """,
    more_text={
        "index": "Z[B l h_I L] = q_I[B l h_I d_I] k_I[B L d_I]; J[B l L] = Z[B l h_I L] g_I[B l h_I]",
        "select": "T[B l L_top] <- J[B l L]",
    },
)

MSA = replace(
    GQA,
    name="MSA",
    title="grouped-query attention to blocks picked by an index",
    cache_text=f"{GQA.cache_text} k_I[B L d_I]",
    projections_text=GQA.projections_text
    + """
        q_I[B l n_kv d_I] = H[B l d_emb] W_QI[d_emb n_kv d_I]
        k_I_new[B l d_I]  = H[B l d_emb] W_KI[d_emb d_I]
    """,
    more_text={
        "index": "Z[B l n_kv L] = q_I[B l n_kv d_I] k_I[B L d_I]; J[B l n_kv n_blk] <- Z[B l n_kv L]",
        "select": "T[B l n_kv n_top] <- J[B l n_kv n_blk]",
    },
    core_text={
        "as_printed": """
            k_T[B l L_sel n_kv d_hd] <- k[B L_sel n_kv d_hd] T[B l n_kv n_top]
            v_T[B l L_sel n_kv d_hd] <- v[B L_sel n_kv d_hd] T[B l n_kv n_top]
            S[B n_kv deg_grp l L_sel] = q[B l n_kv deg_grp d_hd] k_T[B l L_sel n_kv d_hd]
            o[B l n_kv deg_grp d_hd]  = S[B n_kv deg_grp l L_sel] v_T[B l L_sel n_kv d_hd]
        """
    },
    scores=("J", "T"),
)

GLA = Mechanism(
    "GLA",
    "grouped latent attention",
    cache_text="c_KV[B L n_kv d_KVco] k_R[B L d_RoPE]",
    projections_text="""
        c_Q[B l d_Qco]               = H[B l d_emb] W_CQ[d_emb d_Qco]
        c_KV_new[B l n_kv d_KVco]    = H[B l d_emb] W_CKV[d_emb n_kv d_KVco]
        k_R_new[B l d_RoPE]          = H[B l d_emb] W_RK[d_emb d_RoPE]
        q_N[B l n_kv deg_grp d_nope] = c_Q[B l d_Qco] W_DQ[d_Qco n_kv deg_grp d_nope]
        q_R[B l n_kv deg_grp d_RoPE] = c_Q[B l d_Qco] W_RQ[d_Qco n_kv deg_grp d_RoPE]
    """,
    decompression_text={
        "reordered": """
            q_C[B l n_kv deg_grp d_KVco] = q_N[B l n_kv deg_grp d_nope] W_DK[n_kv d_KVco deg_grp d_nope]
            o[B l n_kv deg_grp d_v]      = o_C[B l n_kv deg_grp d_KVco] W_DV[n_kv d_KVco deg_grp d_v]
        """
    },
    core_text={
        "reordered": """
            S[B n_kv deg_grp l L]        = q_C[B l n_kv deg_grp d_KVco] c_KV[B L n_kv d_KVco]
            S[B n_kv deg_grp l L]        = q_R[B l n_kv deg_grp d_RoPE] k_R[B L d_RoPE]
            o_C[B l n_kv deg_grp d_KVco] = S[B n_kv deg_grp l L] c_KV[B L n_kv d_KVco]
        """
    },
    output_text="y[B l d_emb] = o[B l n_kv deg_grp d_v] W_out[n_kv deg_grp d_v d_emb]",
)

GTA = replace(
    GQA,
    name="GTA",
    title="grouped attention with keys and values tied",
    cache_text="t[B L n_kv d_hd] k_R[B L d_RoPE]",
    projections_text="""
        q_N[B l n_kv deg_grp d_nope] = H[B l d_emb] W_NQ[d_emb n_kv deg_grp d_nope]
        q_R[B l n_kv deg_grp d_RoPE] = H[B l d_emb] W_RQ[d_emb n_kv deg_grp d_RoPE]
        t_new[B l n_kv d_hd]         = H[B l d_emb] W_T[d_emb n_kv d_hd]
        k_R_new[B l d_RoPE]          = H[B l d_emb] W_RK[d_emb d_RoPE]
    """,
    core_text={
        "as_printed": """
            k_N[B L n_kv d_nope]     <- t[B L n_kv d_hd]
            S[B n_kv deg_grp l L]    = q_N[B l n_kv deg_grp d_nope] k_N[B L n_kv d_nope]
            S[B n_kv deg_grp l L]    = q_R[B l n_kv deg_grp d_RoPE] k_R[B L d_RoPE]
            o[B l n_kv deg_grp d_hd] = S[B n_kv deg_grp l L] t[B L n_kv d_hd]
        """
    },
)

MFA = replace(
    GQA,
    name="MFA",
    title="grouped-query attention with a compressed query",
    projections_text="""
        c_Q[B l d_Qco]           = H[B l d_emb] W_CQ[d_emb d_Qco]
        q[B l n_kv deg_grp d_hd] = c_Q[B l d_Qco] W_Q[d_Qco n_kv deg_grp d_hd]
        k_new[B l n_kv d_hd]     = H[B l d_emb] W_K[d_emb n_kv d_hd]
        v_new[B l n_kv d_hd]     = H[B l d_emb] W_V[d_emb n_kv d_hd]
    """,
)
