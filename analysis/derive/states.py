"""Mixers with a recurrent state instead of a cache: no context length appears in them.

A step reads the state, lets it decay, adds a rank-one update for each new token, and writes it back. The lines count
l tokens of one step with the state on the chip between them; as values they say one token (l = 1). A step of several
tokens checks drafts, of which any may be the last that is accepted: it leaves the state of each, as engines keep them
(vllm-project/vllm, pull requests 49847 and 49887), where a prompt leaves the last alone. Queries and keys of
n_qk heads serve n_v / n_qk heads of the state each. Sources: KDA (Kimi Delta Attention), arXiv 2510.26692; GDN (Gated
DeltaNet), arXiv 2412.06464; lightning attention, arXiv 2501.08313; Mamba-2, arXiv 2405.21060, whose B, x, C are the
keys, values and queries here.

A prompt passes the state in chunks of L_cut tokens: the same sum in another order, whose lines are `in_chunks`.
"""

from analysis.derive.attention import Mechanism


def recurrence(state: str, decay: str, key: str, value: str, query: str, answer: str, delta: str = "") -> str:
    """Lines of a step of a state with axes `state`: it decays, a key adds a value, a query reads an answer.

    `delta` are lines between decay and update, which make the value from what the state holds under the key.

    >>> lines = recurrence("n_v d_k", "a[B l n_v]", "k[B l d_k]", "u[B l n_v]", "q[B l d_k]", "o[B l n_v]")
    >>> print(lines.splitlines()[0])
    D[B l n_v d_k] = M[B n_v d_k] a[B l n_v]
    """
    return f"""D[B l {state}] = M[B {state}] {decay}
        {delta}
        N[B l {state}] <- D[B l {state}]
        N[B l {state}] += {key} {value}
        {answer} = {query} N[B l {state}]
        M_new[B l {state}] <- N[B l {state}]
    """


def in_chunks(decay: str, delta: bool = False) -> str:
    """Core lines of l tokens in chunks of L_cut: the same sum with its keys and queries multiplied first.

    Within a chunk scores stand for the state, as in attention; between chunks the state is carried: each of n_cut
    chunks begins with what the one before left. Keys and queries are scaled by the decay since the chunk's beginning
    (`_g`), to its end (`_e`), or back to the key (`_c`). With the delta rule the values of a chunk solve a triangular
    system, whose inverse T is moved and not counted. Source: arXiv 2510.26692, Sec. 3.

    >>> in_chunks("a[l n_v]").count("[B n_cut n_v d_k d_s] +=")
    1
    """
    solved = f"""
        k_g[B l n_v d_k] <- k_h[B l n_v d_k] {decay}
        A[B n_v l L_cut] = k_g[B l n_v d_k] k_c[B L_cut n_v d_k]
        T[B n_v l L_cut] <- A[B n_v l L_cut] b[B l n_v]
        e[B l n_v d_s] = k_g[B l n_v d_k] C[B n_cut n_v d_k d_s]
        r[B L_cut n_v d_s] <- v_h[B l n_v d_s] e[B l n_v d_s] b[B l n_v]
        u[B l n_v d_s] = T[B n_v l L_cut] r[B L_cut n_v d_s]
    """
    return f"""
        C[B n_cut n_v d_k d_s] <- M[B n_v d_k d_s] N[B n_cut n_v d_k d_s]
        q_g[B l n_v d_k] <- q_h[B l n_v d_k] {decay}
        k_e[B l n_cut n_v d_k] <- k_h[B l n_v d_k] {decay}
        k_c[B L_cut n_v d_k] <- k_h[B l n_v d_k] {decay}
        {solved if delta else ""}
        u_c[B L_cut n_v d_s] <- u[B l n_v d_s]
        P[B n_v l L_cut] = q_g[B l n_v d_k] k_c[B L_cut n_v d_k]
        R[B n_v l L_cut] <- P[B n_v l L_cut]
        o[B l n_v d_s] = R[B n_v l L_cut] u_c[B L_cut n_v d_s]
        o[B l n_v d_s] = q_g[B l n_v d_k] C[B n_cut n_v d_k d_s]
        N[B n_cut n_v d_k d_s] <- C[B n_cut n_v d_k d_s] {decay}
        N[B n_cut n_v d_k d_s] += k_e[B l n_cut n_v d_k] u[B l n_v d_s]
        M_new[B n_v d_k d_s] <- N[B n_cut n_v d_k d_s]
    """


def _of_heads(decay: str, delta: str = "", before: str = "") -> dict[str, object]:
    """A matrix for each head: the recurrence of a step, and a prompt in chunks; `before` are lines ahead of both."""
    key, value, query, answer = "k_h[B l n_v d_k]", "u[B l n_v d_s]", "q_h[B l n_v d_k]", "o[B l n_v d_s]"
    step = recurrence("n_v d_k d_s", decay, key, value, query, answer, delta)
    prompt = in_chunks(decay, bool(delta))
    return {"core_text": {"as_printed": f"{before}\n{step}"}, "prompt_text": f"{before}\n{prompt}"}


_DELTA = """
    e[B l n_v d_s] = k_h[B l n_v d_k] D[B l n_v d_k d_s]
    u[B l n_v d_s] <- v_h[B l n_v d_s] e[B l n_v d_s] b[B l n_v]
"""
_REPEATED = "q_h[B l n_v d_k] <- q_t[B l n_qk d_k]; k_h[B l n_v d_k] <- k_t[B l n_qk d_k]"
_STATE = "M[B n_v d_k d_s]"
CUT = 64
"""Tokens of a chunk [tokens] where a model states none: arXiv 2510.26692, and the kernels of flash-linear-attention."""
_OUTPUT = "p[B l n_v d_s] <- o[B l n_v d_s] z[B l n_v d_s]; y[B l d_emb] = p[B l n_v d_s] W_out[n_v d_s d_emb]"


def short_convolution(made: str, read: str, axes: str) -> str:
    """Lines of a depthwise convolution over time: n_tap taps a channel, of which the last inputs are kept.

    >>> print(*short_convolution("x_t", "x", "n_v d_s").splitlines(), sep=chr(10))
    x_tap[B l n_tap n_v d_s] <- x[B l n_v d_s] x_past[B n_past n_v d_s]
    x_t[B l n_v d_s] = x_tap[B l n_tap n_v d_s] W_x_tap[n_tap n_v d_s]
    x_past_new[B l n_past n_v d_s] <- x_tap[B l n_tap n_v d_s]
    """
    return (
        f"{read}_tap[B l n_tap {axes}] <- {read}[B l {axes}] {read}_past[B n_past {axes}]\n"
        f"{made}[B l {axes}] = {read}_tap[B l n_tap {axes}] W_{read}_tap[n_tap {axes}]\n"
        f"{read}_past_new[B l n_past {axes}] <- {read}_tap[B l n_tap {axes}]"
    )


def _convolutions(*given: tuple[str, str, str]) -> dict[str, str]:
    """The stage of short convolutions, and the inputs that they keep, as fields of a mechanism."""
    stage = {"convolution": "\n".join(short_convolution(*each) for each in given)}
    return {"more_text": stage, "past_text": " ".join(f"{read}_past[B n_past {axes}]" for _, read, axes in given)}


KDA = Mechanism(
    "KDA",
    "delta attention with a decay of each channel",
    cache_text="",
    states_text=_STATE,
    projections_text="""
        q[B l n_v d_k]   = H[B l d_emb] W_Q[d_emb n_v d_k]
        k[B l n_v d_k]   = H[B l d_emb] W_K[d_emb n_v d_k]
        v[B l n_v d_s]   = H[B l d_emb] W_V[d_emb n_v d_s]
        a_lr[B l d_dec]  = H[B l d_emb] W_CA[d_emb d_dec]
        a[B l n_v d_k]   = a_lr[B l d_dec] W_A[d_dec n_v d_k]
        b[B l n_v]       = H[B l d_emb] W_B[d_emb n_v]
        z_lr[B l d_dec]  = H[B l d_emb] W_CZ[d_emb d_dec]
        z[B l n_v d_s]   = z_lr[B l d_dec] W_Z[d_dec n_v d_s]
    """,
    **_convolutions(("q_h", "q", "n_v d_k"), ("k_h", "k", "n_v d_k"), ("v_h", "v", "n_v d_s")),
    **_of_heads("a[B l n_v d_k]", _DELTA),
    output_text=_OUTPUT,
)

GDN = Mechanism(
    "GDN",
    "gated delta network",
    cache_text="",
    states_text=_STATE,
    projections_text="""
        q[B l n_qk d_k] = H[B l d_emb] W_Q[d_emb n_qk d_k]
        k[B l n_qk d_k] = H[B l d_emb] W_K[d_emb n_qk d_k]
        v[B l n_v d_s]  = H[B l d_emb] W_V[d_emb n_v d_s]
        z[B l n_v d_s]  = H[B l d_emb] W_Z[d_emb n_v d_s]
        a[B l n_v]      = H[B l d_emb] W_A[d_emb n_v]
        b[B l n_v]      = H[B l d_emb] W_B[d_emb n_v]
    """,
    **_convolutions(("q_t", "q", "n_qk d_k"), ("k_t", "k", "n_qk d_k"), ("v_h", "v", "n_v d_s")),
    **_of_heads("a[B l n_v]", _DELTA, _REPEATED),
    output_text=_OUTPUT,
)

Lightning = Mechanism(
    "Lightning",
    "linear attention with a fixed decay of each head",
    cache_text="",
    states_text=_STATE,
    projections_text="""
        q_h[B l n_v d_k] = H[B l d_emb] W_Q[d_emb n_v d_k]
        k_h[B l n_v d_k] = H[B l d_emb] W_K[d_emb n_v d_k]
        u[B l n_v d_s]   = H[B l d_emb] W_V[d_emb n_v d_s]
        z[B l n_v d_s]   = H[B l d_emb] W_Z[d_emb n_v d_s]
    """,
    **_of_heads("a[l n_v]"),
    output_text=_OUTPUT,
)

Mamba2 = Mechanism(
    "Mamba2",
    "state-space layer of Mamba-2",
    cache_text="",
    states_text=_STATE,
    projections_text="""
        q[B l n_qk d_k] = H[B l d_emb] W_C[d_emb n_qk d_k]
        k[B l n_qk d_k] = H[B l d_emb] W_B[d_emb n_qk d_k]
        v[B l n_v d_s]  = H[B l d_emb] W_X[d_emb n_v d_s]
        z[B l n_v d_s]  = H[B l d_emb] W_Z[d_emb n_v d_s]
        a[B l n_v]      = H[B l d_emb] W_dt[d_emb n_v]
    """,
    **_convolutions(("q_t", "q", "n_qk d_k"), ("k_t", "k", "n_qk d_k"), ("u", "v", "n_v d_s")),
    **_of_heads("a[B l n_v]", before=_REPEATED),
    output_text=_OUTPUT,
)
