"""Every symbol of the study is born here, once, with its meaning.

The ASCII name is the paper's spelling and is used unchanged as the Python name, the sympy name, the
header of the data files and the axis of the einsum lines. The book's notation table is printed from
`MEANINGS`. All symbols are positive; units are SI, prefixes belong to the edge (data files, figures).
"""

from dataclasses import dataclass

from sympy import Dummy, Symbol


@dataclass(frozen=True)
class Meaning:
    """What a symbol stands for: LaTeX, unit, sentence, Hugging Face key, place in the paper, DeepSeek's symbol.

    `own` says that the symbol is the study's, and `paper` only where the paper speaks of the quantity. DeepSeek's are
    those of the report on DeepSeek-V2 (Sec. 2.1, Table 1 and Sec. 2.2), in LaTeX.
    """

    latex: str
    unit: str
    text: str
    group: str
    hugging_face: str = ""
    paper: str = ""
    deepseek: str = ""
    own: bool = False


MEANINGS: dict[Symbol, Meaning] = {}


def _born(name: str, latex: str, unit: str, text: str, group: str, hf: str = "", paper: str = "", **more) -> Symbol:
    symbol = Symbol(name, positive=True)
    MEANINGS[symbol] = Meaning(latex, unit, text, group, hf, paper, **more)
    return symbol


# fmt: off
# -- the step ------------------------------------------------------------------------------------
_g = "step"
B = _born("B", "B", "requests", "requests decoded together by the whole system", _g, paper="Table II")
L = _born("L", "L", "tokens", "context length: tokens a query can attend to", _g, paper="Table II")
l = _born("l", "l", "tokens", "tokens processed per request in this step (decode 1, prefill L)", _g, paper="Sec. II")
OSL = _born("OSL", "OSL", "tokens", "tokens that a request is given on average, where the step serves prompts too", _g)
causal = _born("causal", r"f_{causal}", "1", "share of the l x L score pairs that is computed", _g)
L_win = _born("L_win", r"L_{win}", "tokens", "tokens that a query of a windowed block attends to, at most", _g,
              "sliding_window")
L_chunk = _born("L_chunk", r"L_{chunk}", "tokens", "tokens of a query's chunk, where chunks have L_win of them", _g)
L_top = _born("L_top", r"L_{top}", "tokens", "rows that a query picks by their index scores, at most", _g, "index_topk")
L_blk = _born("L_blk", r"L_{blk}", "tokens", "tokens of a block of the context that is picked as a whole", _g)
n_blk = _born("n_blk", r"n_{blk}", "1", "blocks of L_blk tokens in the context", _g)
n_top = _born("n_top", r"n_{top}", "1", "blocks that a query picks, at most", _g)
L_str = _born("L_str", r"L_{str}", "tokens", "tokens that one compressed row stands for", _g)
L_cmp = _born("L_cmp", r"L_{cmp}", "tokens", "compressed rows of the context", _g)
L_csa = _born("L_csa", r"L_{CSA}", "tokens", "rows of a window and compressed rows that a query picks", _g)
L_hca = _born("L_hca", r"L_{HCA}", "tokens", "rows of a window and all compressed rows", _g)
L_pck = _born("L_pck", r"L_{pck}", "tokens", "compressed rows that a query picks", _g)
l_cmp = _born("l_cmp", r"l_{cmp}", "tokens", "compressed rows that a step completes", _g)
L_cut = _born("L_cut", r"L_{cut}", "tokens", "tokens of a prompt that pass a recurrent state together", _g,
              "chunk_size")
n_cut = _born("n_cut", r"n_{cut}", "1", "chunks of L_cut tokens in which a prompt passes a recurrent state", _g)
L_sel = _born("L_sel", r"L_{sel}", "tokens", "tokens of the n_top blocks that a query picks", _g)
S_passes = _born("S_passes", r"p_{S}", "1", "times the score tensor crosses the memory bus when spilled", _g)
acceptance = _born("acceptance", r"a", "1", "probability that a drafted token is accepted, once those before it were",
                   _g)

# -- attention -----------------------------------------------------------------------------------
_g = "attention"
d_emb = _born("d_emb", r"d_{emb}", "1", "embedding (hidden) dimension", _g, "hidden_size", "Table II", deepseek=r"d")
n_hd = _born("n_hd", r"n_{hd}", "1", "query heads", _g, "num_attention_heads", "Table II", deepseek=r"n_{h}")
n_kv = _born("n_kv", r"n_{kv}", "1", "key-value heads", _g, "num_key_value_heads", deepseek=r"n_{g}")
deg_grp = _born("deg_grp", r"deg_{grp}", "1", "query heads that share one key-value head", _g, paper="Sec. III")
d_hd = _born("d_hd", r"d_{hd}", "1", "head dimension", _g, "head_dim", "Table II", deepseek=r"d_{h}")
d_nope = _born("d_nope", r"d_{nope}", "1", "head dimension of queries and keys without RoPE", _g, "qk_nope_head_dim",
               deepseek=r"d_{h}")
d_RoPE = _born("d_RoPE", r"d_{RoPE}", "1", "rotary dimension of a query head and of the one shared key", _g,
               "qk_rope_head_dim", "Table II", deepseek=r"d_{h}^{R}")
d_v = _born("d_v", r"d_{v}", "1", "head dimension of values", _g, "v_head_dim", deepseek=r"d_{h}")
d_Qco = _born("d_Qco", r"d_{Qco}", "1", "compressed query dimension", _g, "q_lora_rank", "Table II",
              deepseek=r"d_{c}'")
d_KVco = _born("d_KVco", r"d_{KVco}", "1", "compressed key-value dimension", _g, "kv_lora_rank", "Table II",
               deepseek=r"d_{c}")

h_I = _born("h_I", r"h_{I}", "1", "heads of the index that picks rows", _g, "index_n_heads")
d_I = _born("d_I", r"d_{I}", "1", "dimension of an index head and of the one index key", _g, "index_head_dim")
n_pool = _born("n_pool", r"n_{pool}", "1", "projected tokens that are pooled into one compressed row", _g)
n_role = _born("n_role", r"n_{role}", "1", "compressed rows into which one token is pooled, each by a projection", _g)
n_og = _born("n_og", r"n_{og}", "1", "groups of heads of a block-diagonal output projection", _g, "o_groups")
deg_og = _born("deg_og", r"deg_{og}", "1", "query heads of a group of the output projection", _g)
d_oco = _born("d_oco", r"d_{oco}", "1", "compressed dimension of a group of the output projection", _g, "o_lora_rank")
n_v = _born("n_v", r"n_{v}", "1", "heads of a recurrent state", _g, "linear_num_value_heads")
n_qk = _born("n_qk", r"n_{qk}", "1", "heads of queries and keys of a recurrent state, each for n_v / n_qk of its heads",
             _g, "linear_num_key_heads")
d_k = _born("d_k", r"d_{k}", "1", "key dimension of a recurrent state", _g, "linear_key_head_dim")
d_s = _born("d_s", r"d_{s}", "1", "value dimension of a recurrent state", _g, "linear_value_head_dim")
d_dec = _born("d_dec", r"d_{dec}", "1", "compressed dimension of the decay and output gates of a recurrent state", _g)
n_tap = _born("n_tap", r"n_{tap}", "1", "taps of a short convolution over time", _g, "linear_conv_kernel_dim")
n_past = _born("n_past", r"n_{past}", "1", "earlier inputs that a short convolution keeps, n_tap - 1", _g)

# -- feed-forward and experts --------------------------------------------------------------------
_g = "feed-forward"
d_FFN = _born("d_FFN", r"d_{FFN}", "1", "intermediate dimension of the dense feed-forward layer", _g,
              "intermediate_size", "Table II")
d_MoE = _born("d_MoE", r"d_{MoE}", "1", "intermediate dimension of one routed expert", _g,
              "moe_intermediate_size", "Table II")
d_z = _born("d_z", r"d_{z}", "1", "dimension on which latent experts act", _g, "moe_latent_size")
n_e = _born("n_e", r"n_{e}", "1", "routed experts of a block", _g, "n_routed_experts", "Table II", deepseek=r"N_{r}")
n_k = _born("n_k", r"n_{k}", "1", "routed experts that one token visits", _g, "num_experts_per_tok", "Table II",
            deepseek=r"K_{r}")
n_shared = _born("n_shared", r"n_{shared}", "1", "shared experts of a block", _g, "n_shared_experts",
                 deepseek=r"N_{s}")
d_shared = _born("d_shared", r"d_{shared}", "1", "summed intermediate dimension of the shared experts", _g)
Gamma_imb = _born("Gamma_imb", r"\Gamma_{imb}", "1", "tokens of the busiest expert over the uniform mean", _g,
                  paper="Sec. V")
Gamma_acc = _born("Gamma_acc", r"\Gamma^{acc}_{imb}", "1",
                  "tokens of the busiest accelerator's experts over the uniform mean", _g, paper="Eq. 13")
T_e = _born("T_e", r"T_{e}", "tokens", "tokens that reach one expert in this step", _g)
n_act = _born("n_act", r"n_{act}", "1", "experts on one accelerator that at least one token reaches", _g)
n_slot = _born("n_slot", r"n_{slot}", "1", "expert slots of a block: routed experts and their redundant copies", _g)

# -- the model -----------------------------------------------------------------------------------
_g = "model"
n_dec = _born("n_dec", r"n_{dec}", "1", "decoder blocks", _g, "num_hidden_layers", "Table II", deepseek=r"l")
n_moe = _born("n_moe", r"n_{moe}", "1", "decoder blocks whose feed-forward layer is a mixture of experts", _g)
n_win = _born("n_win", r"n_{win}", "1", "decoder blocks whose attention is windowed", _g)
n_res = _born("n_res", r"n_{res}", "1", "residual streams that hyper-connections mix", _g, "hc_mult")
n_vocab = _born("n_vocab", r"n_{vocab}", "1", "vocabulary entries", _g, "vocab_size")
n_ctx = _born("n_ctx", r"n_{ctx}", "tokens", "learned positions (0 where positions are rotary)", _g,
              "n_positions")

# -- widths --------------------------------------------------------------------------------------
_g = "widths"
width_weights = _born("width_weights", r"w_{W}", "byte", "bytes of a weight element", _g)
width_experts = _born("width_experts", r"w_{E}", "byte", "bytes of a weight element of the routed experts", _g)
width_kv = _born("width_kv", r"w_{KV}", "byte", "bytes of a cached element", _g)
width_latent = _born("width_latent", r"w_{c}", "byte", "bytes of an element of a cached latent, with its scales", _g)
width_rope_key = _born("width_rope_key", r"w_{R}", "byte", "bytes of an element of the one cached RoPE key", _g)
width_index = _born("width_index", r"w_{I}", "byte", "bytes of an element of a cached index key", _g)
width_state = _born("width_state", r"w_{M}", "byte", "bytes of an element of a recurrent state", _g)
width_scores = _born("width_scores", r"w_{J}", "byte", "bytes of an index score, and of a position that it picks", _g)
width_activations = _born("width_activations", r"w_{act}", "byte", "bytes of an activation element", _g)

# -- the accelerator and the system --------------------------------------------------------------
_g = "system"
P_acc = _born("P_acc", r"P_{acc}", "FLOP/s", "dense arithmetic peak of an accelerator at the chosen precision", _g,
              paper="Table I", own=True)
BW_mem = _born("BW_mem", r"BW_{mem}", "byte/s", "memory bandwidth of an accelerator", _g, paper="Table I")
M_cap = _born("M_cap", r"M_{cap}", "byte", "memory capacity of an accelerator", _g, paper="Table I")
M_free = _born("M_free", r"M_{free}", "byte", "memory of an accelerator that weights leave free", _g)
BW_Int = _born("BW_Int", r"BW_{Int}", "byte/s", "interconnect bandwidth of an accelerator, one direction", _g,
               paper="Eq. 13")
BW_out = _born("BW_out", r"BW_{out}", "byte/s", "bandwidth of an accelerator between groups, one direction", _g,
               paper="Sec. VII-B", own=True)
n_group = _born("n_group", r"n_{group}", "1", "accelerators of a group that share the fast link", _g,
                paper="Sec. VII-B", own=True)
alpha = _born("alpha", r"\alpha", "s", "latency added to each transfer", _g, paper="Eq. 13")
RP_acc = _born("RP_acc", r"RP_{acc}", "FLOP/byte", "ridge point: arithmetic peak over memory bandwidth", _g,
               paper="Table I")
n_acc = _born("n_acc", r"n_{acc}", "1", "accelerators of the system", _g, paper="Sec. VI")
deg_TP = _born("deg_TP", r"deg_{TP}", "1", "tensor-parallel degree", _g, paper="Sec. II")
deg_DP = _born("deg_DP", r"deg_{DP}", "1", "data-parallel degree of attention", _g, paper="Sec. II")
deg_EP = _born("deg_EP", r"deg_{EP}", "1", "expert-parallel degree", _g, paper="Sec. II", deepseek=r"D")
deg_ETP = _born("deg_ETP", r"deg_{ETP}", "1", "accelerators that share each routed expert: 1, or a TP group", _g)
P_exp = _born("P_exp", r"P_{exp}", "FLOP/s", "arithmetic peak of the device that runs the routed experts", _g,
              paper="Sec. VII-D", own=True)
BW_exp = _born("BW_exp", r"BW_{exp}", "byte/s", "memory bandwidth of the device that runs the routed experts", _g,
               paper="Sec. VII-D", own=True)
rate_core = _born("rate_core", r"\rho_{core}", "1", "arithmetic peak for core attention and states over P_acc", _g)
rate_index = _born("rate_index", r"\rho_{I}", "1", "arithmetic peak for scores of an index over P_acc", _g)
rate_experts = _born("rate_experts", r"\rho_{exp}", "1", "arithmetic peak for routed experts over P_acc", _g)
SLO = _born("SLO", r"SLO", "s", "time allowed per output token", _g, paper="Eq. 12")
price = _born("price", r"p_{acc}", "currency/s", "price of an accelerator with its share of all else", _g)

# -- sizes that the system's equations abbreviate ------------------------------------------------
_g = "abbreviations"
M_KV = _born("M_KV", r"M_{KV}", "byte", "cached bytes of one token in one block", _g, paper="Eq. 11")
M_act = _born("M_act", r"M_{act}", "byte", "activations that one request holds while a block runs", _g, paper="Eq. 11")
N_attn = _born("N_attn", r"N_{attn}", "1", "weight elements of one attention block", _g)
N_hd = _born("N_hd", r"N_{hd}", "1", "weight elements of one attention block that divide with its heads", _g)
N_MoE = _born("N_MoE", r"N_{MoE}", "1", "weight elements of one block's routed experts (or its dense layer)", _g)

# fmt: on
BY_NAME: dict[str, Symbol] = {symbol.name: symbol for symbol in MEANINGS}
LATEX: dict[Symbol, str] = {symbol: meaning.latex for symbol, meaning in MEANINGS.items()}


def slack(count: int) -> tuple[Symbol, ...]:
    """Positive letters for what one size exceeds another by, in certificates of a sign; the book shows none of them."""
    return tuple(Dummy(f"s_{place}", positive=True) for place in range(count))
