"""What each accelerator holds, counted tensor by tensor over every accelerator, for layouts of any kind.

The road here: a list of tensors with the number of parts that each axis is cut into, and a loop over accelerators that
adds up the parts each of them owns. Nothing is taken from the study but the closed form under test.
"""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import capacity
from analysis.derive.block import Architecture
from analysis.derive.parallel import Layout
from analysis.derive.symbols import BY_NAME
from analysis.files.errors import InputError
from analysis.systems.memory import memory_by_kind
from analysis.systems.quantities import evaluate
from analysis.thesis.scheduling import slot_bytes

VECTORS = ("norms", "qkv_bias", "out_bias", "router_bias", "expert_bias", "sinks")
SIZES = {"d_emb": 24, "d_hd": 4, "d_MoE": 16, "d_FFN": 32, "d_shared": 16, "n_vocab": 64, "n_ctx": 3}
DEGREES = [1, 2, 4, 8]


@st.composite
def systems(draw):
    """A model with experts on accelerators: degrees that divide, experts whole or split, copies or none."""
    TP, groups = draw(st.sampled_from(DEGREES)), draw(st.sampled_from(DEGREES))
    ETP = draw(st.sampled_from([1, TP]))
    EP = draw(st.sampled_from([each for each in DEGREES if TP * groups % (each * ETP) == 0]))
    slots_each = draw(st.integers(1, 4))
    copies = draw(st.integers(0, EP * slots_each - 1)) if draw(st.booleans()) else 0
    widths = draw(st.tuples(*[st.sampled_from([0.5, 1, 2])] * 2))
    n_dec = draw(st.integers(1, 4))
    return {
        "TP": TP,
        "n_acc": TP * groups,
        "EP": EP,
        "ETP": ETP,
        "n_e": EP * slots_each - copies,
        "copies": copies,
        "n_kv": draw(st.sampled_from([2, 8])),
        "n_dec": n_dec,
        "n_moe": draw(st.integers(1, n_dec)),
        "width": widths[0],
        "width_experts": widths[1],
        "tied": draw(st.booleans()),
    }


def held_by(accelerator: int, s: dict) -> float:
    """Weight bytes on one accelerator, tensor by tensor."""
    rank, d = accelerator % s["TP"], SIZES["d_emb"]
    heads = [head for head in range(8) if head * s["TP"] // 8 == rank]
    kv_heads = {head * s["n_kv"] // 8 for head in heads}
    slots = s["n_e"] + s["copies"]
    mine = accelerator // s["ETP"] % s["EP"]  # neighbours share an expert; the next ones hold the next experts
    here = [slot for slot in range(slots) if slot * s["EP"] // slots == mine]
    common = experts = 0
    for block in range(s["n_dec"]):
        common += 2 * d * len(heads) * 4 + 2 * d * len(kv_heads) * 4  # query, output; key, value
        common += 2 * d + d + (len(heads) + 2 * len(kv_heads)) * 4 + len(heads)  # norms, biases, sinks
        if block < s["n_dec"] - s["n_moe"]:
            common += 3 * d * (SIZES["d_FFN"] // s["TP"])
            continue
        common += 3 * d * (SIZES["d_shared"] // s["TP"]) + d * s["n_e"] + s["n_e"]  # shared, router and its bias
        for _ in here:
            experts += 3 * d * (SIZES["d_MoE"] // s["ETP"])
            common += 2 * (SIZES["d_MoE"] // s["ETP"]) + d  # an expert's biases lie where its matrices do
    words = SIZES["n_vocab"] // s["TP"]
    common += d + words * d * (1 if s["tied"] else 2) + SIZES["n_ctx"] * d
    return common * s["width"] + experts * s["width_experts"]


def form_of(s: dict):
    parts = {"dense": s["n_moe"] < s["n_dec"], "experts": True, "shared": True, "expert_width": True}
    built = Architecture("GQA", tied=s["tied"], vectors=VECTORS, **parts)
    return capacity.weights_per_accelerator(built, layout=Layout(s["ETP"] > 1, s["copies"] > 0))


def point_of(s: dict) -> dict:
    more = {
        "n_hd": 8,
        "n_kv": s["n_kv"],
        "deg_grp": 8 // s["n_kv"],
        "n_dec": s["n_dec"],
        "n_moe": s["n_moe"],
        "n_e": s["n_e"],
        "n_slot": s["n_e"] + s["copies"],
        "n_acc": s["n_acc"],
        "deg_TP": s["TP"],
        "deg_DP": s["n_acc"] // s["TP"],
        "deg_EP": s["EP"],
        "deg_ETP": s["ETP"],
        "width_weights": s["width"],
        "width_experts": s["width_experts"],
    }
    return {BY_NAME[name]: number for name, number in (SIZES | more).items()}


@settings(max_examples=60)
@given(systems())
def test_every_accelerator_holds_what_the_form_says(s):
    held = {held_by(each, s) for each in range(s["n_acc"])}
    assert len(held) == 1
    assert float(value(form_of(s), point_of(s))) == pytest.approx(held.pop(), rel=1e-12)


@given(systems())
def test_the_loop_leaves_no_expert_out(s):
    """Over the accelerators, every slot is held equally often, so that the loop itself counts whole models."""
    slots = s["n_e"] + s["copies"]
    owners = Counter(
        slot
        for each in range(s["n_acc"])
        for slot in range(slots)
        if slot * s["EP"] // slots == each // s["ETP"] % s["EP"]
    )
    assert set(owners.values()) == {s["n_acc"] // s["EP"]}
    assert len(owners) == slots


# -- known systems -------------------------------------------------------------------------------
GPT_OSS = {"model": "gpt-oss-120b"}


def test_biases_of_experts_are_stored_with_their_matrices():
    """gpt-oss-120b, 128 experts on 32: 4 of them, and everything else once; elements of two bytes."""
    expert = 3 * 2880 * 2880 + 2 * 2880 + 2880
    attention = 2 * 2880 * 64 * 64 + 2 * 2880 * 8 * 64 + 2 * 2880 + 2880 + (64 + 16) * 64 + 64
    block = attention + 2880 * 128 + 128 + 4 * expert
    held = 2 * (36 * block + 2880 + 2 * 201088 * 2880)
    assert evaluate("weights_per_accelerator", **GPT_OSS, n_acc=32).value == held == 11_423_965_824


def test_a_published_file_with_experts_of_their_own_width():
    """The published file of gpt-oss-120b: experts in MXFP4 (4 bits, a scale byte for 32), all else in BF16."""
    given = GPT_OSS | {"width_experts": 4.25 / 8}
    assert evaluate("weights_per_accelerator", **given).value == 65_248_815_744
    room, request = 80 * 2**30 - 65_248_815_744, 2 * 8 * 64 * 2 * 18 * (8192 + 128)
    batch = evaluate("B_cap", **given, accelerator="h100-sxm5", L=8192, activation="none", rounding="none").value
    assert batch == pytest.approx(room / request, rel=1e-12) == pytest.approx(67.33, rel=2e-4)


def test_degrees_that_divide_both_matrices_and_biases():
    given = {"accelerator": "b200-sxm", "n_acc": 8, "deg_TP": 4, "deg_EP": 2, "L": 131072, "width_kv": 1}
    book = {"activation": "none", "rounding": "none"}
    assert evaluate("B_cap", **GPT_OSS, **given, **book, capacity_unit="GB").value == pytest.approx(212.43, rel=1e-4)
    more = 8 * (183359 * 2**20 - 180e9) / (4 * 2 * 2 * 64 * 18 * (131072 + 128))
    assert evaluate("B_cap", **GPT_OSS, **given, **book).value == pytest.approx(212.4296 + more, rel=1e-6)


SPLIT = {"model": "mixtral-8x7b", "accelerator": "a100-sxm4-80gb", "n_acc": 16, "deg_TP": 16, "L": 4096}


def test_experts_that_cannot_be_spread_are_split():
    """Each of 16 holds a sixteenth of all 8 experts of 32 blocks, 2 of 32 query heads and one KV head (8, twice)."""
    block = 4096 * 128 * (2 * 2 + 2) + 2 * 4096 + 8 * 4096 + 8 * 3 * 4096 * 14336 // 16
    held = 2 * (32 * block + 4096 + 2 * 32000 * 4096 // 16)
    assert evaluate("weights_per_accelerator", **SPLIT).value == held
    cache = 2 * 32 * 2 * 128 * 4096 * 16  # bytes of a request on all 16
    batch = evaluate("B_cap", **SPLIT, activation="none", rounding="none").value
    assert batch == pytest.approx(16 * (80 * 2**30 - held) / cache, rel=1e-12)


def test_split_experts_are_as_fast_as_their_share_of_bytes():
    """B = 1 on an A100: two experts of 8 are reached in each block, and each accelerator reads a sixteenth of them."""
    found = evaluate("tpot_terms", **SPLIT, B=1).value
    moved = 2 * 3 * 4096 * 14336 / 16 + 2 * (2 * 4096)
    assert found["routed_experts"] == pytest.approx(32 * 2 * moved / 2039e9, rel=1e-12)
    assert found["dispatch"] == found["combine"] == 0
    ring = 2 * 15 / 16 * 2 * 4096 / 300e9  # one vector a token: attention, and the experts
    assert found["all_reduce"] == pytest.approx(32 * 2 * ring, rel=1e-12)


def test_split_experts_of_one_group_are_in_balance_whatever_the_skew():
    assert evaluate("load_imbalance", **SPLIT, s=0.8).value == pytest.approx(1, rel=1e-12)
    split = evaluate("load_imbalance", **SPLIT | {"deg_TP": 4}, s=0.8, deg_ETP=4, B=512)
    whole = evaluate("load_imbalance", **SPLIT | {"deg_TP": 1, "n_acc": 4}, s=0.8, B=512)
    assert (split.value, split.beside) == (whole.value, whole.beside)  # 4 parts of a system are 4 whole ones
    assert split.value > 1.5


def test_split_experts_receive_each_token_on_every_part():
    """8 experts on 4 groups of 4: a token's two copies go to the 4 accelerators of a group each, 8 for 16 to share."""
    found = evaluate("tpot_terms", **SPLIT | {"deg_TP": 4}, deg_ETP=4, B=1600).value
    assert found["dispatch"] == pytest.approx(32 * (1600 * 8 / 16) * 4096 * 2 / 300e9, rel=1e-12)
    assert evaluate("weights_per_accelerator", **SPLIT | {"deg_TP": 4}, deg_ETP=4, deg_EP=4).value > 0


WIDE = {"model": "deepseek-v3", "accelerator": "h800-sxm5", "n_acc": 144, "placement": "replicated", "copies": 32}


def test_redundant_experts_fill_wide_groups():
    """256 experts and 32 copies on 144: two slots each, held and (at a batch that reaches them) read."""
    plain = 7168 * (1536 + 576) + 1536 * 128 * 192 + 2 * 512 * 128 * 128 + 128 * 128 * 7168 + 2 * 7168 + 1536 + 512
    routed = plain + 3 * 7168 * 2048 + 256 * 7168 + 256 + 2 * 3 * 7168 * 2048
    held = 3 * (plain + 3 * 7168 * 18432) + 58 * routed + 7168 + 2 * 129280 * 7168
    assert evaluate("weights_per_accelerator", **WIDE, width=1).value == held
    tokens = 18432 * 8 / 144
    found = evaluate("tpot_terms", **WIDE, width=1, peak="fp8", B=18432, L=4989).value["routed_experts"]
    time = max(3 * 2 * tokens * 7168 * 2048 / 1979e12, (2 * 3 * 7168 * 2048 + 2 * tokens * 7168) / 3430e9)
    assert found == pytest.approx(58 * time, rel=1e-12)


def test_copies_of_experts_leave_room_for_fewer_requests():
    """R1 on 32 with a ninth expert on each: 58 blocks' worth of 32 more experts, in requests of 8192 tokens."""
    given = {"model": "deepseek-v3", "accelerator": "b200-sxm", "n_acc": 32, "L": 8192, "activation": "none"}
    plain, copied = (
        evaluate("B_cap", **given, rounding="none", s=0.8, placement=each).value for each in ("shuffled", "replicated")
    )
    assert plain - copied == pytest.approx(32 * 58 * 2 * 3 * 7168 * 2048 / (61 * 576 * 2 * 8192), rel=1e-9)


def test_experts_are_split_by_their_own_tensor_parallel_group_only():
    with pytest.raises(InputError, match="allowed are 1 and deg_TP=4"):
        evaluate("weights_per_accelerator", **SPLIT | {"deg_TP": 4}, deg_ETP=2)
    with pytest.raises(InputError, match="must divide n_acc=16 so that whole groups of split ones"):
        evaluate("weights_per_accelerator", **SPLIT | {"deg_TP": 4}, deg_ETP=4, deg_EP=8)
    with pytest.raises(InputError, match="must divide the 287 slots of a block, 256 routed experts and 31 copies"):
        evaluate("weights_per_accelerator", **WIDE | {"copies": 31})
    with pytest.raises(InputError, match="split each expert by deg_ETP="):
        evaluate("weights_per_accelerator", **SPLIT | {"deg_TP": 4})


# -- the width of experts, everywhere ------------------------------------------------------------
R1 = {"model": "deepseek-v3", "accelerator": "b200-paper", "link": "nvlink5-b200", "n_acc": 32, "L": 4096, "B": 64}
EXPERT = 3 * 7168 * 2048


def test_the_width_of_experts_moves_the_routed_experts_alone():
    before, after = (evaluate("tpot_terms", **R1, **more).value for more in ({}, {"width_experts": 0.5}))
    assert {name for name in before if before[name] != after[name]} == {"routed_experts"}
    here, reached = 64 * 8 / 32, 8 * (1 - (248 / 256) ** 64)
    moved = 0.5 * reached * EXPERT + 2 * 2 * here * 7168
    assert after["routed_experts"] == pytest.approx(58 * moved / 8e12, rel=1e-12)


def test_the_width_of_experts_in_limits_and_intensities():
    given = R1 | {"width_experts": 0.5}
    assert evaluate("B_MoE", **given).value == 281.25 * 256 / 8 / 4
    assert evaluate("B_RP", **given).value == evaluate("B_attn", **given).value == 281.25 * 32
    tokens = 64 * 8 / 256
    intensity = 2 * tokens * EXPERT / (0.5 * EXPERT + 2 * 2 * tokens * 7168)
    assert evaluate("expert_intensity", **given).value == pytest.approx(intensity, rel=1e-12)
    less = 58 * 8 * EXPERT * 1.5
    spared = evaluate("weights_per_accelerator", **R1).value - evaluate("weights_per_accelerator", **given).value
    assert spared == less
    assert slot_bytes(Setting.of(**given)) == 58 * EXPERT * 0.5
    assert memory_by_kind(Setting.of(**given), 0)["routed"] == 58 * 256 * EXPERT * 0.5


LIMITED = ("B_RP", "B_SLO")  # by dense layers, and by arithmetic


@pytest.mark.parametrize("quantity", ["tpot", "tpot_bound", "B_cap", "B_MoE", "B_RP", "expert_intensity", "B_SLO"])
def test_a_width_of_experts_that_is_no_other_changes_nothing(quantity):
    given = R1 | {"width_weights": 1, "slo": 0.05}
    apart = evaluate(quantity, **given, width_experts=1).value
    assert apart == pytest.approx(evaluate(quantity, **given).value, rel=1e-12)
    narrower = evaluate(quantity, **given, width_experts=0.5).value
    assert (narrower != apart) == (quantity not in LIMITED)


# -- what is held of the cache -------------------------------------------------------------------
def test_a_cache_on_more_accelerators_than_heads():
    """llama-3.1-405b: 126 blocks, 8 KV heads of 128. Each of 16 holds one head, so that every head lies there twice."""
    found = evaluate("kv_bytes_per_token", model="llama-3.1-405b", deg_TP=16, n_acc=16)
    each = 2 * 126 * 128 * 2
    assert (found.value, each) == (516_096, 64_512)
    assert found.beside == {"per accelerator": each, "on the accelerators of its group": 16 * each}
    assert evaluate("kv_bytes_per_accelerator", model="llama-3.1-405b", deg_TP=16, n_acc=16).value == each
    assert evaluate("kv_bytes_per_token", model="llama-3.1-405b").beside == {}


def test_a_latent_is_held_whole_and_a_batch_by_groups():
    found = evaluate("kv_bytes_per_accelerator", model="deepseek-v3", n_acc=32, deg_TP=8, B=64, L=1000)
    assert found.value == 61 * 576 * 2
    assert found.beside == {"of B requests of L tokens": 61 * 576 * 2 * 1000 * 64 // 4}
