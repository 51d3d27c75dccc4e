"""Hyper-connections: several residual streams, which a site mixes before and after each half of a block.

A map of all streams says how much of each goes into the half (`a`), how much of the half's result goes into each
(`b`), and how streams mix (`C`); the steps that make `C` doubly stochastic are element-wise, and not counted. Before
the output head a site without a half weighs the streams into one. Source: arXiv 2512.24880, Sec. 3.
"""

from analysis.derive.einsum import Einsum, lines

_WEIGHED = "x[B l d_emb] = a[B l n_res] X[B l n_res d_emb]"

SITE: dict[str, tuple[Einsum, ...]] = {
    "before": lines(f"""
        m[B l n_map]      = X[B l n_res d_emb] W_map[n_res d_emb n_map]
        a[B l n_res]     <- m[B l n_map]
        b[B l n_to]      <- m[B l n_map]
        C[B l n_res n_to] <- m[B l n_map]
        {_WEIGHED}
    """),
    "after": lines("""
        X_new[B l n_to d_emb] = C[B l n_res n_to] X[B l n_res d_emb]
        X_new[B l n_to d_emb] += b[B l n_to] y[B l d_emb]
    """),
}
LAST = lines(f"""
    m[B l n_to]  = X[B l n_res d_emb] W_map[n_res d_emb n_to]
    a[B l n_res] <- m[B l n_to]
    {_WEIGHED}
""")
