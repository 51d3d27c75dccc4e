"""One notation in terms of the others: the study's, the paper's, DeepSeek's reports', Hugging Face's."""

from analysis.derive.symbols import MEANINGS, Meaning
from analysis.render.equations import symbol as linked
from analysis.render.latex import tex
from analysis.render.tables import code, table

WEIGHTS = {  # weight of an einsum line: what it does, the paper's, DeepSeek's, the module in Hugging Face's code
    "W_CQ": ("compresses the query", r"W_{CQ}", r"W^{DQ}", "q_a_proj"),
    "W_DQ": ("decompresses it, without RoPE", r"W_{DQ}", r"W^{UQ}", "q_b_proj"),
    "W_RQ": ("makes its rotary part", r"W_{RQ}", r"W^{QR}", "q_b_proj"),
    "W_CKV": ("compresses keys and values into the latent", r"W_{CKV}", r"W^{DKV}", "kv_a_proj_with_mqa"),
    "W_RK": ("makes the shared rotary key", r"W_{RK}", r"W^{KR}", "kv_a_proj_with_mqa"),
    "W_DK": ("decompresses keys", r"W_{DK}", r"W^{UK}", "kv_b_proj"),
    "W_DV": ("decompresses values", r"W_{DV}", r"W^{UV}", "kv_b_proj"),
    "W_out": ("projects the heads' outputs", r"W_{out}", r"W^{O}", "o_proj"),
}


def symbols_elsewhere() -> str:
    """Every symbol that has a name elsewhere: ours, the paper's, DeepSeek's, Hugging Face's key."""
    rows = [
        (linked(symbol.name), *_elsewhere(tex(symbol), about))
        for symbol, about in MEANINGS.items()
        if about.paper or about.deepseek or about.hugging_face
    ]
    header = ("here", "meaning", "paper", "DeepSeek", "Hugging Face key")
    caption = (
        "One size, four names. DeepSeek's symbols are those of Secs 2.1 and 2.2 of the report on DeepSeek-V2 "
        "{cite}`deepseek2024v2`, where one head dimension serves queries, keys and values."
    )
    return table(header, rows, caption, "tab-symbols-elsewhere")


def _elsewhere(spelt: str, about: Meaning) -> tuple[str, ...]:
    paper = f"${spelt}$ ({about.paper})" if about.paper and not about.own else about.paper
    return about.text, paper, f"${about.deepseek}$" if about.deepseek else "", code(about.hugging_face)


def weights_elsewhere() -> str:
    """The weights of an MLA block: ours, the paper's, DeepSeek's, the module of Hugging Face's implementation."""
    rows = [
        (code(name), does, f"${paper}$", f"${deepseek}$", code(module))
        for name, (does, paper, deepseek, module) in WEIGHTS.items()
    ]
    caption = (
        "Weights of latent attention. A *D* stands for *decompress* here and in the paper, and for *down* at DeepSeek, "
        "whose *U* is *up* (Secs 2.1.2 and 2.1.3 of its report). Modules are those of `DeepseekV3Attention` in Hugging "
        "Face's `transformers`; where two weights have one module, it holds both side by side."
    )
    return table(("einsum line", "what it does", "paper", "DeepSeek", "module"), rows, caption, "tab-weights-elsewhere")
