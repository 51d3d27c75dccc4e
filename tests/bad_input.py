"""What a reader may type wrong, and what the sentence then says: the corpus of tests/test_cli.py."""

SYSTEM = {"model": "deepseek-v3", "accelerator": "b200-paper", "link": "nvlink5-b200", "n_acc": 32, "B": 64, "L": 1024,
          "slo": 0.02}  # fmt: skip


def assigned(*texts, **more):
    """NAME=VALUE arguments of the reference system; a name that appears in `texts` is left out."""
    named = {text.partition("=")[0] for text in texts}
    return [f"{name}={value}" for name, value in (SYSTEM | more).items() if name not in named] + list(texts)


NOT_NUMBERS = ["nan", "inf", "-inf", "-1", "0", "1e400", "1e18", "1.5", "0x10", "ten", "64,", ",", "1,nan", "True", " ",
               "9" * 5000, "１.５", "½"]  # fmt: skip
BAD = {  # an argument in place of the reference system's, and what the sentence says
    **{f"B={text}": "allowed is a whole number from 1" for text in NOT_NUMBERS},
    **dict.fromkeys(["B", "B=", "=3", "=", "", "B 64", "模型"], "NAME=VALUE"),
    "foo=1": "there is no parameter", "Batch=1": "there is no parameter", "模型=1": "there is no parameter",
    "b=64": "allowed are model", "deg_tp=8": "close to it are deg_TP", "x" * 100_000 + "=1": "there is no parameter",
    "model=gpt5": "no row of data/models.csv", "model=\x00": "no row of", "model=" + "x" * 100_000: "no row of",
    "model=deepseek": "close to it are deepseek", "accelerator=h9000": "no row of", "link=string": "no row of",
    "accelerator_experts=string": "no row of", "model=../data/models.csv": "no readable file",
    "phase=both": "allowed are decode, prefill", "order=3": "allowed are as_printed",
    "grouping=all": "allowed are fused",
    "peak=fp6": "allowed are bf16", "rounding=up": "allowed are down", "weights=all": "allowed are as_built",
    "overlap=yes": "allowed are none, comm", "placement=best": "allowed are contiguous",
    "draws=3": "allowed are without",
    "capacity_unit=TB": "allowed are row, GB, GiB", "rope=": "NAME=VALUE",
    "width=0": "above 0 and at most 16", "width_kv=17": "above 0 and at most 16", "width_weights=nan": "above 0",
    "causal=0": "above 0 and at most 1", "causal=2": "above 0 and at most 1", "S_passes=3": "1 or 2",
    "s=-0.1": "from 0 to 10", "s=11": "from 0 to 10", "seed=-1": "whole number from 0", "Gamma_imb=0.9": "from 1",
    "slo=0": "above 0", "BW_Int=-9e11": "above 0", "alpha=-1": "from 0, or link", "alpha=row": "from 0, or link",
    "copies=0": "whole number from 1", "blocks=2": "3 dense blocks", "l=0": "whole number from 1",
    "deg_TP=3": "must divide n_acc=32", "deg_TP=1e17": "must divide", "deg_DP=3": "must equal n_acc",
    "deg_EP=7": "must divide n_acc=32", "n_acc=512": "must divide the 256 routed experts",
    "link=nvlink2-v100 alpha=link": "no row of", "group=8": "belong together", "link_between=ib-xdr": "belong together",
    "B=1,2": "equal length",
}  # fmt: skip
MORE = {"B=1,2": ["L=1,2,3"]}

REFUSALS = {  # quantity, arguments, what the sentence says
    "unknown quantity": ("tpots", [], "there is no quantity of this name; allowed are parameters"),
    "long quantity": ("x" * 100_000, [], "there is no quantity"),
    "given twice": ("tpot", [*assigned(), "B=32"], "given twice"),
    "dense model, B_MoE": ("B_MoE", ["model=gpt3-175b", "accelerator=b200-paper"], "no routed experts"),
    "dense model, experts": ("expert_intensity", ["model=gpt3-175b", "B=64"], "no routed experts"),
    "dense model, skew": ("load_imbalance", ["model=gpt3-175b", "s=0.5"], "no routed experts"),
    "no model": ("parameters", [], "model= is needed"),
    "no accelerator": ("ridge_point", [], "accelerator= is needed"),
    "no batch": ("tpot", ["model=deepseek-v3", "accelerator=b200-paper", "L=64"], "add B="),
    "no context": ("core_attention_flops", ["model=deepseek-v3", "B=64"], "add L="),
    "no link": ("all_to_all_time", ["model=deepseek-v3", "B=64", "n_acc=32"], "link= is needed"),
    "no SLO": ("B_SLO", ["model=deepseek-v3", "accelerator=b200-paper", "L=64"], "slo= is needed"),
    "no such peak": ("ridge_point", ["accelerator=v100-paper", "peak=fp4"], "has no such rate, allowed are bf16"),
    "no latency": ("tpot", assigned("link=nvlink2-v100", "alpha=link"), "no latency is known"),
    "group too odd": ("tpot", assigned("group=5", "link_between=ib-xdr"), "must divide n_acc=32"),
    "copies elsewhere": ("load_imbalance", ["model=deepseek-v3", "s=0.5", "copies=4"], "copies=4"),
}
