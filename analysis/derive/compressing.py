"""Attention to a window and to compressed rows, one shared row serving as key and value (DeepSeek-V4).

HCA attends to every compressed row, CSA to those that an index picks; both also to the rows of a sliding window, so
that groups of tokens which are not complete yet are seen. Of a row's inputs each token is projected n_role times, and
n_pool projected tokens are pooled into a row; those that wait for it are a state. In DeepSeek-V4.1 a few blocks make
compressed rows, and the blocks after them read those. Sources: arXiv 2606.19348 (sec. 2); arXiv 2609.19969.
"""

from dataclasses import replace

from analysis.derive.attention import Mechanism


def pooled(made: str, read: str, weights: str, width: str) -> str:
    """Lines that pool inputs into a row by a softmax over tokens, of which the waiting ones are kept."""
    gathered = (
        f"{part}_p[B l_cmp n_pool {width}] <- {part}[B l n_role {width}] {part}_wait[B n_pool {width}]"
        for part in (read, weights)
    )
    waiting = (
        f"{part}_wait_new[B n_pool {width}] <- {part}[B l n_role {width}] {part}_wait[B n_pool {width}]"
        for part in (read, weights)
    )
    summed = f"{made}[B l_cmp {width}] = {weights}_p[B l_cmp n_pool {width}] {read}_p[B l_cmp n_pool {width}]"
    return "\n".join((*gathered, summed, *waiting))


def core_of(rows: str, axis: str) -> str:
    """Lines of a core whose rows along an axis are key and value of every head.

    >>> print(core_of("x[B L_win d_hd]", "L_win").splitlines()[0])
    S[B n_hd l L_win] = q[B l n_hd d_hd] x[B L_win d_hd]
    """
    return f"S[B n_hd l {axis}] = q[B l n_hd d_hd] {rows}\no[B l n_hd d_hd] = S[B n_hd l {axis}] {rows}"


HCA = Mechanism(
    "HCA",
    "attention to a window and to all compressed rows",
    cache_text="x[B L_win d_hd] c[B L_cmp d_hd]",
    states_text="e_wait[B n_pool d_hd] a_wait[B n_pool d_hd]",
    projections_text="""
        c_Q[B l d_Qco]     = H[B l d_emb] W_CQ[d_emb d_Qco]
        q[B l n_hd d_hd]   = c_Q[B l d_Qco] W_Q[d_Qco n_hd d_hd]
        x_new[B l d_hd]    = H[B l d_emb] W_KV[d_emb d_hd]
        e[B l n_role d_hd] = H[B l d_emb] W_E[d_emb n_role d_hd]
        a[B l n_role d_hd] = H[B l d_emb] W_A[d_emb n_role d_hd]
    """,
    more_text={"pool": pooled("c_new", "e", "a", "d_hd")},
    core_text={
        "as_printed": f"X[B L_hca d_hd] <- x[B L_win d_hd] c[B L_cmp d_hd]\n{core_of('X[B L_hca d_hd]', 'L_hca')}"
    },
    output_text="""
        r[B l n_og deg_og d_hd] <- o[B l n_hd d_hd]
        s[B l n_og d_oco] = r[B l n_og deg_og d_hd] W_OA[n_og deg_og d_hd d_oco]
        y[B l d_emb]      = s[B l n_og d_oco] W_OB[n_og d_oco d_emb]
    """,
)

CSA = replace(
    HCA,
    name="CSA",
    title="attention to a window and to picked compressed rows",
    cache_text=f"{HCA.cache_text} k_I[B L_cmp d_I]",
    states_text=f"{HCA.states_text} f_wait[B n_pool d_I] b_wait[B n_pool d_I]",
    projections_text=HCA.projections_text
    + """
        q_I[B l h_I d_I]  = c_Q[B l d_Qco] W_QI[d_Qco h_I d_I]
        g_I[B l h_I]      = H[B l d_emb] W_GI[d_emb h_I]
        f[B l n_role d_I] = H[B l d_emb] W_F[d_emb n_role d_I]
        b[B l n_role d_I] = H[B l d_emb] W_BI[d_emb n_role d_I]
    """,
    more_text={
        "pool": f"{HCA.more_text['pool']}\n{pooled('k_I_new', 'f', 'b', 'd_I')}",
        "index": "Z[B l h_I L_cmp] = q_I[B l h_I d_I] k_I[B L_cmp d_I]; J[B l L_cmp] = Z[B l h_I L_cmp] g_I[B l h_I]",
        "select": "T[B l L_pck] <- J[B l L_cmp]",
    },
    core_text={
        "as_printed": f"""
            X[B l L_csa d_hd] <- x[B L_win d_hd] c[B L_pck d_hd] T[B l L_pck]
            {core_of("X[B l L_csa d_hd]", "L_csa")}
        """
    },
    scores=("J", "T"),
)

CSA_shared = replace(
    CSA,
    name="CSA_shared",
    title="attention to a window and to compressed rows of an earlier block, as picked there",
    cache_text="x[B L_win d_hd]",
    lent_text="c[B L_cmp d_hd]",
    states_text="",
    projections_text="""
        c_Q[B l d_Qco]   = H[B l d_emb] W_CQ[d_emb d_Qco]
        q[B l n_hd d_hd] = c_Q[B l d_Qco] W_Q[d_Qco n_hd d_hd]
        x_new[B l d_hd]  = H[B l d_emb] W_KV[d_emb d_hd]
    """,
    more_text={},
)

CSA_indexed = replace(
    CSA_shared,
    name="CSA_indexed",
    title="attention to a window and to compressed rows of an earlier block, picked anew",
    lent_text=f"{CSA_shared.lent_text} k_I[B L_cmp d_I]",
    projections_text=CSA_shared.projections_text
    + """
        q_I[B l h_I d_I] = c_Q[B l d_Qco] W_QI[d_Qco h_I d_I]
        g_I[B l h_I]     = H[B l d_emb] W_GI[d_emb h_I]
    """,
    more_text={stage: CSA.more_text[stage] for stage in ("index", "select")},
)
