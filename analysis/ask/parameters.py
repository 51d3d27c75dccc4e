"""The one table of parameters and conventions: names, defaults, allowed values, meaning.

The command line, the notebooks' checks and the table of conventions in the book all read it.
"""

from dataclasses import dataclass

from analysis.data.element_formats import formats
from analysis.derive.choices import GROUPINGS, ORDERS

CHOICE, NUMBER, COUNT, ROW = "choice", "number", "count", "row"


@dataclass(frozen=True)
class Parameter:
    """A name that `evaluate` and the notebooks accept; a default of None means `set by the rule in meaning`."""

    name: str
    kind: str
    default: object
    allowed: tuple = ()
    meaning: str = ""


# fmt: off
_TABLE = (
    Parameter("model", ROW, None, ("models",), "row of data/models"),
    Parameter("accelerator", ROW, None, ("accelerators",), "row of data/accelerators.csv"),
    Parameter("link", ROW, None, ("interconnects",),
              "row of data/interconnects.csv; by default the link that the accelerator comes with"),
    Parameter("link_between", ROW, None, ("interconnects",),
              "row of data/interconnects.csv between groups of accelerators; by default there is one level only"),
    Parameter("group", COUNT, None, (), "accelerators of a group that share the fast link; needs link_between"),
    Parameter("accelerator_experts", ROW, None, ("accelerators",),
              "row of data/accelerators.csv that runs the routed experts; by default the accelerator itself"),
    Parameter("scenario", ROW, None, ("scenarios",),
              "row of data/scenarios.csv, one whole system: gives each parameter that it has a column for and that is "
              "not given beside it"),
    Parameter("phase", CHOICE, "decode", ("decode", "prefill"), "decode: l = 1; prefill: l = L"),
    Parameter("B", COUNT, None, (), "requests decoded together by the whole system"),
    Parameter("L", COUNT, None, (), "context length in tokens"),
    Parameter("l", COUNT, None, (), "tokens processed per request in this step; by default set by the phase"),
    Parameter("OSL", COUNT, None, (),
              "output tokens of a request on average, where the same accelerators prefill: each step then carries its "
              "share of the prompts of others, of L - OSL/2 tokens each; by default the step decodes alone"),
    Parameter("acceptance", NUMBER, 0, (),
              "probability that a drafted token is accepted, once those before it were; l query tokens are one settled "
              "token and l - 1 drafts, and times per output token count what is accepted"),
    Parameter("causal", NUMBER, 1, (0, 1), "share of the l x L score pairs that is computed; 0.5 for causal prefill"),
    Parameter("order", CHOICE, None, ORDERS,
              "MLA: as_printed (Eqs 4-6, K and V decompressed) or reordered (Eqs 7-8); by default reordered in decode, "
              "as_printed in prefill; mechanisms with one order ignore it"),
    Parameter("grouping", CHOICE, "fused", GROUPINGS,
              "fused: one kernel; spilled: one kernel with S charged S_passes times; layered: one line per kernel"),
    Parameter("S_passes", NUMBER, 1, (1, 2), "passes of S over the bus when spilled: 1, or 2 for write and read"),
    Parameter("windows", CHOICE, "row", ("row", "full"),
              "row: windowed blocks attend to at most L_win tokens, chunks counted whole unless causal "
              "says that a mask is used; full: every block attends to all L"),
    Parameter("rope", CHOICE, "in", ("in", "out"), "whether the RoPE parts of Q and K are counted"),
    Parameter("rope_key", CHOICE, "per_head", ("per_head", "shared"),
              "as_printed order: whether the one RoPE key is copied into every head's K before the core reads it"),
    Parameter("width", NUMBER, 2, (), "bytes of an element"),
    Parameter("width_weights", NUMBER, None, (), "bytes of a weight element; by default width"),
    Parameter("width_experts", NUMBER, None, (),
              "bytes of a weight element of the routed experts; by default width_weights"),
    Parameter("width_kv", NUMBER, None, (), "bytes of a cached element; by default width"),
    Parameter("width_activations", NUMBER, None, (), "bytes of an activation element; by default width"),
    Parameter("format", CHOICE, "bf16", ("bf16", "served", *formats()),
              "bf16: the widths as given; served: widths that are not given are those of the published files, as far "
              "as the model's row states them; or a name in data/formats.yml, for widths by part"),
    Parameter("peak", CHOICE, "bf16", ("bf16", "fp8", "fp4"), "which arithmetic rate of the accelerator"),
    Parameter("peak_core", CHOICE, None, ("bf16", "fp8", "fp4"),
              "arithmetic rate of core attention and of states; by default peak"),
    Parameter("peak_index", CHOICE, None, ("bf16", "fp8", "fp4"), "rate of an index's scores; by default peak"),
    Parameter("peak_experts", CHOICE, None, ("bf16", "fp8", "fp4"), "rate of routed experts; by default peak"),
    Parameter("n_acc", COUNT, 1, (), "accelerators of the system"),
    Parameter("deg_TP", COUNT, 1, (), "tensor-parallel degree"),
    Parameter("deg_DP", COUNT, None, (), "data-parallel degree of attention; by default n_acc / deg_TP"),
    Parameter("deg_EP", COUNT, None, (), "expert-parallel degree; by default n_acc / deg_ETP"),
    Parameter("deg_ETP", COUNT, None, (),
              "accelerators that share each routed expert: 1, or deg_TP; by default 1, and deg_TP where that is n_acc "
              "and does not divide the experts"),
    Parameter("blocks", COUNT, None, (), "decoder blocks; by default the model's (for the question of 60 or 61)"),
    Parameter("Gamma_imb", NUMBER, None, (),
              "tokens of the busiest expert (of the busiest accelerator, for times) over the uniform mean; by default "
              "what s and placement give, 1 without skew"),
    Parameter("BW_Int", NUMBER, None, (), "interconnect bandwidth in byte/s, one direction; by default the link's"),
    Parameter("alpha", NUMBER, 0, ("link",), "latency in s added to each transfer; `link` takes the row's"),
    Parameter("capacity_unit", CHOICE, "row", ("row", "GB", "GiB"),
              "unit in which the data sheet's M_cap is read; by default as the row says, or what a driver reports if "
              "that is more"),
    Parameter("memory_share", NUMBER, 1, (),
              "usable share of an accelerator's memory: engines take about 0.9 and leave the rest to the driver and "
              "their own buffers"),
    Parameter("weights", CHOICE, "as_built", ("as_built", "eq11", "once"),
              "weights in the memory book: as_built counts every weight where it is stored; eq11 counts attention x "
              "deg_DP and the routed experts (or the dense layers of a model without experts) once; once counts every "
              "weight once"),
    Parameter("activation", CHOICE, "counted", ("counted", "none"), "whether M_act(L) is counted in the memory book"),
    Parameter("rounding", CHOICE, "per_group", ("per_group", "down", "none"),
              "B_cap: down to an integer, not rounded, or down to a multiple of deg_DP"),
    Parameter("overlap", CHOICE, "none", ("none", "comm", "micro_batches"),
              "TPOT as a serial sum; comm: communication hidden behind computation; micro_batches: the same by two "
              "halves of the batch in turns, each of which reads the weights"),
    Parameter("calibration", ROW, None, ("calibrations",),
              "name in data/calibrations.csv, or a file that `calibrate` wrote: measured efficiencies and launch "
              "floors in place of the bare roofline"),
    Parameter("slo", NUMBER, None, (), "time allowed per output token in s"),
    Parameter("price_hour", NUMBER, None, (),
              "price of one accelerator for an hour, in any currency; the reader's, as no row states one"),
    Parameter("s", NUMBER, 0, (), "Zipf exponent of expert popularity"),
    Parameter("placement", CHOICE, "contiguous", ("contiguous", "strided", "shuffled", "lpt", "replicated"),
              "how experts are placed on accelerators"),
    Parameter("draws", CHOICE, "without", ("without", "with"), "whether a token draws its experts with replacement"),
    Parameter("copies", COUNT, None, (), "replicated placement: further expert slots; by default one per accelerator"),
    Parameter("seed", COUNT, 0, (), "seed of whatever is random"),
)

# fmt: on
PARAMETERS: dict[str, Parameter] = {parameter.name: parameter for parameter in _TABLE}
SHORT = {  # other ways to name a parameter, told to who uses them
    "tp": "deg_TP",
    "dp": "deg_DP",
    "ep": "deg_EP",
    "batch": "B",
    "batch_size": "B",
    "context": "L",
    "seqlen": "L",
    "gpu": "accelerator",
    "gpus": "n_acc",
    "bandwidth": "BW_Int",
    "bytes": "width",
    "dtype": "width",
    "imbalance": "Gamma_imb",
    "network": "link",
    "skew": "s",
    "query": "l",
    "price": "price_hour",
}
LISTS = {  # names of notebooks and editions that hold several values of one parameter, separated by commas
    "models": "model",
    "accelerators": "accelerator",
    "batches": "B",
    "contexts": "L",
    "batches_tp": "B",
    "degrees": "deg_TP",
    "queries": "l",
    "tokens": "L",
}


def names_rows(name: str) -> bool:
    """Whether a parameter, or a list of one, names rows of data files.

    >>> names_rows("accelerators"), names_rows("batches")
    (True, False)
    """
    parameter = PARAMETERS.get(LISTS.get(name, name))
    return parameter is not None and parameter.kind == ROW
