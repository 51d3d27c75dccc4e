"""Attention mechanisms, each one paragraph of einsum lines. To add one, add a paragraph: see CONTRIBUTING.

Stages of an attention block: `projections` of the new tokens, `decompression` of the cached latent (or the
absorbed products that replace it), `core` (scores and context; softmax between them is not counted), `output`.
A contraction order is a way to run decompression and core; mechanisms with one order have only `as_printed`.
Stages of a mechanism's own (`sparse.py`, `states.py`) run before the core.
Tensors ending in `_new` are the rows that this step appends to the cache, or the states that it leaves.
"""

from dataclasses import dataclass, field, replace

from sympy import Symbol

from analysis.derive.choices import Rows
from analysis.derive.einsum import CACHED, Einsum, Tensor, lines, over, renamed, tensors, without_axis
from analysis.derive.symbols import L, d_RoPE

PARTS = {"c_KV": "latent", "k_R": "rope_key", "k_I": "index_key"}  # cached tensors that a format may store apart


@dataclass(frozen=True)
class Mechanism:
    """An attention mechanism: cache tensors and einsum lines by stage, as text with named axes."""

    name: str
    title: str
    cache_text: str
    projections_text: str
    core_text: dict[str, str] = field(hash=False)
    output_text: str
    decompression_text: dict[str, str] = field(default_factory=dict, hash=False)
    more_text: dict[str, str] = field(default_factory=dict, hash=False)  # stages of its own, run before the core
    prompt_text: str = ""  # the core of a prompt, where that is not the core of many steps
    states_text: str = ""  # tensors kept whatever the length of the context, rewritten in each step
    past_text: str = ""  # the last inputs of short convolutions, kept likewise
    scores: tuple[str, ...] = ()  # index scores and picked positions, which have a width of their own
    shared_key: str = ""  # "copy=cache": the per-head copy of the one RoPE key, and the tensor it copies
    apart: tuple[str, ...] = ()  # parts of the cache that have a width of their own; the others have width_kv
    borrows: bool = False  # reads the cache of an earlier block: makes and stores no rows of its own
    lent_text: str = ""  # rows of an earlier block that it reads beside a cache of its own
    context: Symbol = L  # the axis of cached rows, of which `spans.py` says how many are stored, touched, worked on

    @property
    def cache(self) -> tuple[Tensor, ...]:
        """Tensors kept per token between steps."""
        return self._rows(self.cache_text)

    def _rows(self, text: str) -> tuple[Tensor, ...]:
        parts = {name: part for name, part in PARTS.items() if part in self.apart}
        kept = (Tensor(t.name, t.axes, parts.get(t.name, "kv")) for t in tensors(text))
        return tuple(tensor.over(L, self.context) for tensor in kept)

    @property
    def rows(self) -> Rows:
        """Rows that it stores, borrows and picks.

        >>> replace(MHA, borrows=True).rows.lacks([GQA.rows]), replace(MHA, scores=("T",)).rows.blind([MHA.rows])
        (True, True)
        """
        stores, lent = (frozenset(map(str, tensors(text))) for text in (self.cache_text, self.lent_text))
        return Rows(stores, lent, "select" in self.more_text, "T" in self.scores, self.borrows)

    @property
    def kept(self) -> tuple[Tensor, ...]:
        """Tensors that a block stores: its rows, unless it borrows them, and its states."""
        return (*(() if self.borrows else self.cache), *self.states)

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the cache that a format may store at a width of their own.

        >>> MLA.parts, str(replace(MLA, apart=MLA.parts).cache[0].stored)
        (('latent', 'rope_key'), 'B*L*d_KVco*width_latent')
        """
        return tuple(PARTS[t.name] for t in tensors(f"{self.cache_text} {self.lent_text}") if t.name in PARTS)

    @property
    def states(self) -> tuple[Tensor, ...]:
        """Tensors kept between steps that do not grow with the context."""
        kinds = (("state", self.states_text), ("past", self.past_text))
        return tuple(Tensor(t.name, t.axes, kind) for kind, text in kinds for t in tensors(text))

    @property
    def reads_all(self) -> bool:
        """Whether the core reads the rows of its cache as they lie: it picks none, and keeps no state."""
        return not self.states_text and not any("<-" in text for text in self.core_text.values())

    @property
    def core(self) -> str:
        """What kernels of its core do: attend to all rows or to picked ones, rewrite a state, or what it alone does.

        >>> kept = {"states_text": "M[B n_v d_k]"}
        >>> MLA.core, replace(MLA, **kept).core, replace(MLA, **kept, cache_text="").core
        ('core', 'core of MLA', 'state')
        """
        if self.reads_all:
            return "core"
        if self.rows.picked:
            return "picked core"
        return "state" if self.states_text and not self.cache_text else f"core of {self.name}"

    @property
    def orders(self) -> tuple[str, ...]:
        """Contraction orders that the mechanism knows."""
        return tuple(self.core_text)

    @property
    def latent(self) -> bool:
        """True if keys and values are decompressed from a cached latent."""
        return bool(self.decompression_text)

    def in_order(self, order: str) -> str:
        """The contraction order in which the mechanism is run where this one is asked for: it, or the only one."""
        return order if order in self.core_text else self.orders[0]

    def order_of(self, phase: str) -> str:
        """The contraction order that a step is run in unless another is asked for: reordered in decode, if it may be.

        >>> MLA.order_of("decode"), MLA.order_of("prefill"), MHA.order_of("decode")
        ('reordered', 'as_printed', 'as_printed')
        """
        return self.orders[-1] if phase == "decode" else self.orders[0]

    def within(self, context: Symbol) -> "Mechanism":
        """The same mechanism over rows of another span: L_win of a sliding window, L_chunk of a chunk.

        >>> from analysis.derive.symbols import L_win
        >>> str(MHA.within(L_win).stages()["core"][0])
        'S[B n_hd l L_win] = q[B l n_hd d_hd] k[B L_win n_hd d_hd]'
        """
        return replace(self, context=context)

    def stored(self, apart: tuple[str, ...]) -> "Mechanism":
        """The same mechanism with some parts of its cache at widths of their own, as far as it has them."""
        named = tuple(part for part in self.parts if part in apart)
        return replace(self, apart=named) if named != self.apart else self

    def _lines(self, text: str) -> tuple[Einsum, ...]:
        rows = (*self.cache, *self._rows(self.lent_text), *self.states)
        kept = {name: t.kind for t in rows for name in (t.name, f"{t.name}_new")}
        return over(lines(text, kept | dict.fromkeys(self.scores, "scores")), L, self.context)

    def stages(
        self, order: str = "as_printed", rope: str = "in", rope_key: str = "per_head", prompt: bool = False
    ) -> dict[str, tuple]:
        """Lines of each stage of one block.

        `order` as_printed (Eqs 4 to 6) or reordered (Eqs 7 and 8); `rope` in or out; `rope_key` per_head or
        shared (whether the one RoPE key is copied into every head before the as-printed core reads it); `prompt`
        whether the step is a prompt, which passes a recurrent state in chunks.
        """
        order = self.in_order(order)
        texts = {
            "projections": self.projections_text,
            "decompression": self.decompression_text.get(order, ""),
            **self.more_text,
            "core": (prompt and self.prompt_text) or self.core_text[order],
            "output": self.output_text,
        }
        found = {stage: self._lines(text) for stage, text in texts.items()}
        if self.borrows:
            found["projections"] = tuple(line for line in found["projections"] if line.made.kind not in CACHED)
        if rope == "out":
            found = {stage: without_axis(given, d_RoPE) for stage, given in found.items()}
        if rope_key == "shared" and self.shared_key:
            copy, _, kept = self.shared_key.partition("=")
            shared = {copy: next(t for t in self.cache if t.name == kept)}
            found["core"] = renamed(found["core"], shared)
        return found


MHA = Mechanism(
    "MHA",
    "multi-head attention",
    cache_text="k[B L n_hd d_hd] v[B L n_hd d_hd]",
    projections_text="""
        q[B l n_hd d_hd]     = H[B l d_emb] W_Q[d_emb n_hd d_hd]
        k_new[B l n_hd d_hd] = H[B l d_emb] W_K[d_emb n_hd d_hd]
        v_new[B l n_hd d_hd] = H[B l d_emb] W_V[d_emb n_hd d_hd]
    """,
    core_text={
        "as_printed": """
        S[B n_hd l L]    = q[B l n_hd d_hd] k[B L n_hd d_hd]
        o[B l n_hd d_hd] = S[B n_hd l L] v[B L n_hd d_hd]
    """
    },
    output_text="y[B l d_emb] = o[B l n_hd d_hd] W_out[n_hd d_hd d_emb]",
)

GQA = Mechanism(
    "GQA",
    "grouped-query attention",
    cache_text="k[B L n_kv d_hd] v[B L n_kv d_hd]",
    projections_text="""
        q[B l n_kv deg_grp d_hd] = H[B l d_emb] W_Q[d_emb n_kv deg_grp d_hd]
        k_new[B l n_kv d_hd]     = H[B l d_emb] W_K[d_emb n_kv d_hd]
        v_new[B l n_kv d_hd]     = H[B l d_emb] W_V[d_emb n_kv d_hd]
    """,
    core_text={
        "as_printed": """
        S[B n_kv deg_grp l L]    = q[B l n_kv deg_grp d_hd] k[B L n_kv d_hd]
        o[B l n_kv deg_grp d_hd] = S[B n_kv deg_grp l L] v[B L n_kv d_hd]
    """
    },
    output_text="y[B l d_emb] = o[B l n_kv deg_grp d_hd] W_out[n_kv deg_grp d_hd d_emb]",
)

MLA = Mechanism(
    "MLA",
    "multi-head latent attention",
    cache_text="c_KV[B L d_KVco] k_R[B L d_RoPE]",
    projections_text="""
        c_Q[B l d_Qco]       = H[B l d_emb] W_CQ[d_emb d_Qco]
        c_KV_new[B l d_KVco] = H[B l d_emb] W_CKV[d_emb d_KVco]
        k_R_new[B l d_RoPE]  = H[B l d_emb] W_RK[d_emb d_RoPE]
        q_N[B l n_hd d_nope] = c_Q[B l d_Qco] W_DQ[d_Qco n_hd d_nope]
        q_R[B l n_hd d_RoPE] = c_Q[B l d_Qco] W_RQ[d_Qco n_hd d_RoPE]
    """,
    decompression_text={
        "as_printed": """
            k[B L n_hd d_nope] = c_KV[B L d_KVco] W_DK[d_KVco n_hd d_nope]
            v[B L n_hd d_v]    = c_KV[B L d_KVco] W_DV[d_KVco n_hd d_v]
        """,
        "reordered": """
            q_C[B l n_hd d_KVco] = q_N[B l n_hd d_nope] W_DK[d_KVco n_hd d_nope]
            o[B l n_hd d_v]      = o_C[B l n_hd d_KVco] W_DV[d_KVco n_hd d_v]
        """,
    },
    core_text={
        "as_printed": """
            S[B n_hd l L]   = q_N[B l n_hd d_nope] k[B L n_hd d_nope]
            S[B n_hd l L]   = q_R[B l n_hd d_RoPE] k_copy[B L n_hd d_RoPE]
            o[B l n_hd d_v] = S[B n_hd l L] v[B L n_hd d_v]
        """,
        "reordered": """
            S[B n_hd l L]        = q_C[B l n_hd d_KVco] c_KV[B L d_KVco]
            S[B n_hd l L]        = q_R[B l n_hd d_RoPE] k_R[B L d_RoPE]
            o_C[B l n_hd d_KVco] = S[B n_hd l L] c_KV[B L d_KVco]
        """,
    },
    output_text="y[B l d_emb] = o[B l n_hd d_v] W_out[n_hd d_v d_emb]",
    shared_key="k_copy=k_R",
)

MLA_direct = Mechanism(
    "MLA_direct",
    "multi-head latent attention without query compression",
    cache_text=MLA.cache_text,
    projections_text="""
        c_KV_new[B l d_KVco] = H[B l d_emb] W_CKV[d_emb d_KVco]
        k_R_new[B l d_RoPE]  = H[B l d_emb] W_RK[d_emb d_RoPE]
        q_N[B l n_hd d_nope] = H[B l d_emb] W_DQ[d_emb n_hd d_nope]
        q_R[B l n_hd d_RoPE] = H[B l d_emb] W_RQ[d_emb n_hd d_RoPE]
    """,
    decompression_text=MLA.decompression_text,
    core_text=MLA.core_text,
    output_text=MLA.output_text,
    shared_key=MLA.shared_key,
)

MECHANISMS: dict[str, Mechanism] = {m.name: m for m in vars().copy().values() if isinstance(m, Mechanism)}
