"""What is concluded from the paper: each statement, its subject, the grid that it is judged on, and its lines.

A line is where a boundary is solved; what it does not name is as in the canonical setting.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from analysis.data.model_row import Model
from analysis.derive.attention import GQA, MHA, MLA
from analysis.derive.mechanisms import ALL
from analysis.thesis import factorial, margins, resources
from analysis.thesis import region_axes as axes
from analysis.thesis.region import Axis, Line, Margin
from analysis.thesis.region_axes import CONTEXT, choice
from analysis.thesis.world import FAST, GROUPS, HOME, PRINTED, SLOW

V1, V3, SUMMARY, OURS = "first version", "third version", "summary", "our question"
FUSED, LAYERED = "fused", "layered"
NVLINK, COUNT = "NVLink", "32 accelerators"  # of the paper's system, in the words for a place


def size(L: float) -> str:
    """A context in words.

    >>> size(8192.0), size(2.0**20)
    ('8K', '1M')
    """
    return f"{L / 2**20:g}M" if L >= 2**20 else f"{L / 1024:g}K" if L >= 1024 else f"{L:g}"


def has_latent(model: Model) -> bool:
    """Whether heads share a latent cache."""
    return ALL[model.attention].latent


def has_experts(model: Model) -> bool:
    """Whether some blocks have routed experts."""
    return model.n_moe > 0


def has_both(model: Model) -> bool:
    """Latent attention and routed experts, as the paper's subject has them."""
    return has_latent(model) and has_experts(model)


LATENT, EXPERTS = "models with latent attention", "models with routed experts"
BOTH = f"{LATENT} and experts"


@dataclass(frozen=True)
class Conclusion:
    """A statement, who makes it, the ledger's claims on it, its subject, when it holds, axes, margin, lines, figure.

    `criterion` says in words when the margin is above 0; the first line's place is the conclusion's own home.
    `blind` gives the variants that cannot enter its margin, or under which it has none, each with the reason.
    """

    name: str
    short: str
    statement: str
    said: tuple[str, ...]
    claims: tuple[str, ...]
    subject: str
    speaks_of: Callable[[Model], bool]
    criterion: str
    margin: Margin
    axes: tuple[Axis, ...]
    lines: tuple[Line, ...]
    figure: str
    blind: dict[str, str] = field(default_factory=dict)


def _links(axis: Axis, **place) -> tuple[Line, ...]:
    """The same line on each kind of link."""
    words = {FAST: f"on {NVLINK}", GROUPS: "in groups of eight joined by InfiniBand", SLOW: "on InfiniBand alone"}
    return tuple(Line(axis, place | {"link": link}, word) for link, word in words.items())


_NO_RATE = "an intensity is FLOP over bytes: no rate, link or memory is in it"
_OWN_TIMES = "neither wires nor requests are in a kernel's own two times"
_ALIKE = "the width divides both intensities alike"
_AN_AXIS = "the kernels are an axis of its grid"
_NO_SCORES = "no score matrix is in a feed-forward layer or a projection"
_SAME_CORE = "the core takes as long under every schedule, so that the same one serves most"
DEVICE_UNKNOWN = "nothing is known of the memory device at this precision, and nobody has measured it"
_PLAIN = {"against": MHA.name, "grouping": FUSED, "degree": 1}
_CHIPS = {"a100": "the A100", "h200": "the H200", "mi325x": "the MI325X", "b200": "the B200"}
_ALONE = {MLA.name: "latent attention", "experts": "experts"}
_AT_8K = {"context": HOME["context"]}

# fmt: off
CONCLUSIONS = (
    Conclusion(
        "raises", "intensity rises a hundredfold",
        "Reordered latent attention raises the intensity of core attention over a hundredfold",
        (V1, V3, SUMMARY), ("S01",), LATENT, has_latent,
        "its intensity is over a hundred times the older one", margins.raises,
        (CONTEXT, choice("against", "compared with", *margins.OLD), choice("grouping", "kernels", FUSED, LAYERED),
         axes.DEGREE),
        (Line(CONTEXT, _PLAIN, "against GPT-3's attention, in one kernel"),
         Line(CONTEXT, _PLAIN | {"degree": 2}, "with tensor parallelism of 2"),
         Line(CONTEXT, _PLAIN | {"degree": 4}, "with tensor parallelism of 4"),
         Line(CONTEXT, _PLAIN | {"grouping": LAYERED}, "with one kernel a layer"),
         Line(CONTEXT, _PLAIN | {"against": GQA.name}, "against Maverick's grouped attention")),
        "fig-thesis-queries",
        dict.fromkeys(("wires hidden", "Eq. 11", "shipped", "slow link", "measured", "90 % memory"), _NO_RATE)
        | {"FP8": _ALIKE, "spilled": _AN_AXIS},
    ),
    Conclusion(
        "computes", "attention computes", "Latent attention is compute-bound",
        (V1, V3, SUMMARY), ("S01",), LATENT, has_latent,
        "its arithmetic takes longer than its bytes", margins.computes, (CONTEXT, axes.CHIP, axes.DEGREE),
        (Line(axes.RIDGE, _AT_8K | {"degree": 1}, "at 8K, by the ridge point of the accelerator"),
         *(Line(CONTEXT, {"degree": 1, "chip": PRINTED.index(f"{chip}-paper")}, f"on {words}")
           for chip, words in _CHIPS.items())),
        "fig-thesis-device", dict.fromkeys(("wires hidden", "Eq. 11", "slow link", "90 % memory"), _OWN_TIMES),
    ),
    Conclusion(
        "no-longer", "attention is no bottleneck", "Attention is no longer the bottleneck",
        (V1, V3), ("C084",), BOTH, has_both,
        "another term of a step is longer than core attention, the wires as one", margins.no_longer,
        (CONTEXT, axes.BATCH, axes.LINK, axes.SKEW, axes.CHIP),
        (*_links(CONTEXT), Line(CONTEXT, {"skew": 0.8}, f"on {NVLINK} under skew (Zipf 0.8)"),
         Line(axes.REQUESTS, _AT_8K, f"at 8K on {NVLINK}")),
        "fig-thesis-full-memory",
    ),
    Conclusion(
        "wires", "wires and skew dominate", "Interconnect and imbalance dominate at large batch",
        (V3,), ("C083",), BOTH, has_both,
        "they take over half of a step", margins.wires, (CONTEXT, axes.LARGE, axes.LINK, axes.SKEW, axes.CHIP),
        (*_links(CONTEXT), Line(CONTEXT, {"skew": 0.8}, f"on {NVLINK} under skew (Zipf 0.8)"),
         Line(axes.BANDWIDTH, _AT_8K, "at 8K, by the link's bandwidth")),
        "fig-thesis-shares",
    ),
    Conclusion(
        "tunes", "batching tunes experts", "Batching tunes experts to the intensity of dense layers",
        (V1, V3), ("C058",), EXPERTS, has_experts,
        "the intensities are within a tenth of each other", margins.tunes,
        (axes.LONGER, axes.BATCH, axes.COUNT, choice("layer", "dense layer", "dense", "output")),
        (Line(axes.COUNT, _AT_8K | {"layer": "dense"}, "at 8K against dense feed-forward layers"),
         Line(axes.COUNT, _AT_8K | {"layer": "output"}, "at 8K against output projections"),
         Line(axes.REQUESTS, _AT_8K | {"layer": "dense"}, f"at 8K on {COUNT}")),
        "fig-thesis-balance",
        dict.fromkeys(("wires hidden", "slow link", "measured"), _NO_RATE) | {"spilled": _NO_SCORES},
    ),
    Conclusion(
        "aligns", "scheduling aligns experts", "Scheduling for the batch keeps experts at the dense layers' pace",
        (SUMMARY,), ("S02",), EXPERTS, has_experts,
        "experts attain nine tenths of it in the schedule that serves most", margins.aligns,
        (axes.FEW, axes.BATCH, choice("link", "link", FAST, SLOW), axes.SKEW),
        (Line(axes.REQUESTS, _AT_8K, "at 8K without skew"),
         Line(axes.REQUESTS, _AT_8K | {"skew": 0.4}, "under mild skew (Zipf 0.4)"),
         Line(axes.REQUESTS, _AT_8K | {"skew": 0.8}, "under skew (Zipf 0.8)")),
        "fig-thesis-schedule", {"spilled": _SAME_CORE},
    ),
    Conclusion(
        "small", "device suits small loads", "A memory device for experts suits few requests and short contexts",
        (V3,), ("C079",), EXPERTS, has_experts,
        "the device gains, and gains less at twice the context", margins.small,
        (CONTEXT, axes.BATCH, axes.LINK, choice("kept", "kept as contexts grow", "requests", "memory")),
        (Line(axes.REQUESTS, {"context": 1024.0, "link": FAST, "kept": "requests"}, "at 1K, requests kept"),
         Line(axes.REQUESTS, _AT_8K | {"link": FAST, "kept": "requests"}, "at 8K, requests kept"),
         Line(CONTEXT, {"link": FAST, "kept": "memory"}, "with memory kept full")),
        "fig-thesis-device", dict.fromkeys(("FP8", "measured"), DEVICE_UNKNOWN),
    ),
    Conclusion(
        "not-needed", "no device for attention", "Hardware specialised in attention is not needed",
        (V1, SUMMARY), ("C085", "S03"), BOTH, has_both,
        "the device shortens a step by less than half a per cent", margins.not_needed,
        (CONTEXT, axes.BATCH, axes.LINK, choice("device", "device", margins.MEMORY_DEVICE, margins.WIDE_DEVICE)),
        (Line(CONTEXT, {"device": margins.MEMORY_DEVICE}, "for the paper's memory device"),
         Line(CONTEXT, {"device": margins.WIDE_DEVICE}, "for four times the bandwidth with all the arithmetic"),
         Line(axes.RIDGE, _AT_8K | {"device": margins.WIDE_DEVICE}, "at 8K, for that bandwidth, by its ridge point")),
        "fig-thesis-device",
    ),
    Conclusion(
        "balanced", "chips are balanced", "Accelerators as they are balance what inference needs",
        (V1, SUMMARY), ("C086",), BOTH, has_both,
        "no split of the same budget serves a quarter more", margins.balanced,
        (axes.LONGER, axes.LINK, choice("budget", "budget", *margins.BUDGETS)),
        tuple(Line(CONTEXT, {"link": FAST, "budget": each}, f"on {NVLINK}, by {each}") for each in resources.BUDGETS),
        "fig-thesis-resources",
    ),
    Conclusion(
        "tensor", "tensor parallelism costs", "Tensor parallelism on reordered attention costs time",
        (OURS,), (), LATENT, has_latent,
        "the attention block takes longer than without it, at equal batch", margins.tensor,
        (CONTEXT, axes.BATCH, axes.LINK, axes.CHIP, axes.DIVIDED),
        (Line(axes.REQUESTS, {"context": 1024.0, "link": FAST, "degree": 8}, "at 1K, in groups of 8"),
         Line(axes.REQUESTS, _AT_8K | {"link": FAST, "degree": 8}, "at 8K, in groups of 8"),
         Line(axes.REQUESTS, _AT_8K | {"link": FAST, "degree": 2}, "at 8K, in pairs"),
         Line(axes.REQUESTS, _AT_8K | {"link": SLOW, "degree": 8}, "at 8K, in groups of 8 on InfiniBand")),
        "fig-thesis-tensor",
    ),
    Conclusion(
        "one-alone", "one mechanism gives the gain", "The gain over old models is due to one mechanism",
        (OURS,), (), BOTH, has_both,
        "one alone serves half of what both serve, or more", margins.one_alone,
        (CONTEXT, axes.LINK, choice("alone", "mechanism", *_ALONE),
         choice("held", "parameters held", *factorial.HELD)),
        tuple(Line(CONTEXT, {"link": FAST, "alone": each, "held": held}, f"{words} alone, {held} parameters equal")
              for each, words in _ALONE.items() for held in factorial.HELD),
        "fig-thesis-attribution",
    ),
    Conclusion(
        "drafts", "drafts pay", "Several query tokens a step raise the throughput of latent attention",
        (OURS,), (), LATENT, has_latent,
        "tokens per second rise; drafting itself is free", margins.drafts,
        (CONTEXT, axes.BATCH, axes.LINK, choice("query", "query tokens", 2, 4, 8), axes.ACCEPTANCES),
        (Line(CONTEXT, {"link": FAST, "query": 2, "acceptance": 0.7}, "with 2 query tokens, acceptance 0.7"),
         *(Line(axes.ACCEPTANCE, _AT_8K | {"link": FAST, "query": query},
                f"at 8K with {query} query tokens") for query in (2, 4, 8))),
        "fig-thesis-queries",
    ),
)
# fmt: on
