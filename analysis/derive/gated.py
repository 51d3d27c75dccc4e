"""Mechanisms whose output is gated element by element before its projection: one more projection of the new tokens.

The gate itself is not counted, as other products of single elements are not. Sources: Qwen3-Next's full attention,
configuration key attn_output_gate; Kimi-K3's latent attention, whose configuration says mla_use_output_gate.
"""

from dataclasses import replace

from analysis.derive.attention import GQA, MLA, Mechanism


def gated(mechanism: Mechanism, name: str, made: str) -> Mechanism:
    """A mechanism with a gate of the shape of its output, whose axes are `made`.

    >>> print(*gated(GQA, "GQA_gated", "n_kv deg_grp d_hd").stages()["output"], sep=chr(10))
    p[B l n_kv deg_grp d_hd] <- o[B l n_kv deg_grp d_hd] z[B l n_kv deg_grp d_hd]
    y[B l d_emb] = p[B l n_kv deg_grp d_hd] W_out[n_kv deg_grp d_hd d_emb]
    """
    gate = f"\n        z[B l {made}] = H[B l d_emb] W_Z[d_emb {made}]\n"
    return replace(
        mechanism,
        name=name,
        title=f"{mechanism.title}, its output gated",
        projections_text=mechanism.projections_text + gate,
        output_text=f"p[B l {made}] <- o[B l {made}] z[B l {made}]; y[B l d_emb] = p[B l {made}] W_out[{made} d_emb]",
    )


GQA_gated = gated(GQA, "GQA_gated", "n_kv deg_grp d_hd")
MLA_gated = gated(MLA, "MLA_gated", "n_hd d_v")
