"""Models of several kinds of block, against caches filled token by token and a step summed block by block."""

from collections import deque

import pytest

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.systems.layers import block_counts, layers
from analysis.systems.plan import plans
from analysis.systems.quantities import evaluate

PHASES = ("decode", "prefill")
SYSTEM = {"accelerator": "b200-sxm", "n_acc": 8}
P, BW = 2250e12, 7700e9  # b200-sxm: 16-bit operations a second, bytes a second


# -- caches, token by token --------------------------------------------------------------------------------------
class Rows:
    """What a block keeps: rows of so many bytes, at most `most` of them, one for each `stride` tokens."""

    def __init__(self, row, most=None, stride=1, once=0):
        self.row, self.stride, self.once = row, stride, once
        self.waiting, self.kept = 0, deque(maxlen=most)

    def add(self):
        self.waiting += 1
        if self.waiting == self.stride:
            self.waiting = 0
            self.kept.append(self.row)

    @property
    def bytes(self):
        return sum(self.kept) + self.once


def _delta(heads, keys, d=128):
    """States of 32 bits, and three earlier inputs of each convolution, of 16."""
    return Rows(0, once=heads * d * d * 4 + 3 * (2 * keys + heads) * d * 2)


def _latent(*more):
    return Rows(2 * sum((512, 64, *more)))


def _v4(stride, pool, index):
    """A window of 128 rows, compressed rows (with index keys), and inputs that wait, of 32 bits, twice each."""
    width = 512 + (128 if index else 0)
    return [Rows(2 * 512, most=128), Rows(2 * width, stride=stride, once=2 * pool * width * 4)]


BLOCKS = {  # rows that each model's blocks keep, sizes typed from the published configurations
    "qwen3-next-80b-a3b": lambda: [Rows(2 * 2 * 256 * 2) for _ in range(12)] + [_delta(32, 16) for _ in range(36)],
    "kimi-linear-48b-a3b": lambda: [_latent() for _ in range(7)] + [_delta(32, 32) for _ in range(20)],
    "deepseek-v3.2": lambda: [_latent(128) for _ in range(61)],
    "glm-5.2": lambda: [_latent(128) for _ in range(21)] + [_latent() for _ in range(57)],
    "minimax-m3": lambda: [Rows(2 * 4 * 128 * 2) for _ in range(3)] + [Rows(2 * 4 * 128 * 2 + 256) for _ in range(57)],
    "minimax-m1": lambda: (
        [Rows(2 * 8 * 128 * 2) for _ in range(10)] + [Rows(0, once=64 * 128 * 128 * 4) for _ in range(70)]
    ),
    "nemotron-3-nano": lambda: (
        [Rows(2 * 2 * 128 * 2) for _ in range(6)]
        + [Rows(0, once=64 * 64 * 128 * 4 + 3 * (64 * 64 + 2 * 8 * 128) * 2) for _ in range(23)]
    ),
    "deepseek-v4-flash": lambda: [
        *(each for _ in range(21) for each in _v4(4, 8, index=True)),
        *(each for _ in range(20) for each in _v4(128, 128, index=False)),
        *(Rows(2 * 512, most=128) for _ in range(2)),
    ],
    "mimo-v2-flash": lambda: (
        [Rows(4 * (192 + 128) * 2) for _ in range(9)] + [Rows(8 * (192 + 128) * 2, most=128) for _ in range(39)]
    ),
    "gemma-4-31b": lambda: (
        [Rows(2 * 4 * 512 * 2) for _ in range(10)] + [Rows(2 * 16 * 256 * 2, most=1024) for _ in range(50)]
    ),
    "gpt-oss-20b": lambda: (
        [Rows(2 * 8 * 64 * 2) for _ in range(12)] + [Rows(2 * 8 * 64 * 2, most=128) for _ in range(12)]
    ),
}
SEEN = (1, 127, 128, 512, 1024, 1152)  # tokens at which caches are compared; all strides divide the later ones


@pytest.mark.parametrize("model", BLOCKS)
def test_a_cache_filled_token_by_token_is_as_large_as_the_closed_form_says(model):
    kept, strides = BLOCKS[model](), model.startswith("deepseek-v4")
    for token in range(1, SEEN[-1] + 1):
        for block in kept:
            block.add()
        if token in SEEN and not (strides and token % 128):
            found = evaluate("kv_cache_bytes", model=model, L=token).value
            assert found == sum(block.bytes for block in kept), token


GROWTH = {  # bytes a token at two bytes an element, in blocks whose cache grows: 2 n_kv d_hd 2, or (512 + 64) 2
    "qwen3.5-27b": 65_536,
    "qwen3.5-397b-a17b": 30_720,
    "kimi-k3": 27_648,
    "nemotron-h-56b": 40_960,
    "nemotron-3-super": 8_192,
    "jamba-v0.1": 16_384,
    "kimi-k2.5": 70_272,
    "minimax-m2.5": 253_952,
    "devstral-2-123b": 360_448,
}


@pytest.mark.parametrize(("model", "each"), GROWTH.items())
def test_a_token_more_adds_the_rows_of_blocks_with_a_cache(model, each):
    one, two = (evaluate("kv_cache_bytes", model=model, L=L).value for L in (4096, 4097))
    assert two - one == each


def test_caches_as_served_have_the_bytes_of_their_formats():
    """656 and 132 bytes a row and an index key; 584 a row, of which one stands for 4 or 128 tokens, and 68."""
    assert evaluate("kv_bytes_per_token", model="deepseek-v3.2", format="served").value == 61 * (656 + 132)
    one, two = (evaluate("kv_cache_bytes", model="deepseek-v4-flash", format="served", L=L).value for L in (4096, 8192))
    assert (two - one) / 4096 == pytest.approx(21 * (584 + 68) / 4 + 20 * 584 / 128)


def test_states_are_what_a_request_keeps_at_length_zero_so_to_say():
    """36 blocks of 32 states of 128 x 128 at 4 bytes, and 3 inputs of 2 x 16 x 128 + 32 x 128 channels at 2."""
    by_hand = 36 * (32 * 128 * 128 * 4 + 3 * (2 * 16 * 128 + 32 * 128) * 2)
    assert evaluate("state_bytes", model="qwen3-next-80b-a3b").value == by_hand
    assert evaluate("state_bytes", model="deepseek-v3").value == 0


# -- a step, block by block --------------------------------------------------------------------------------------
def _linear(rows, inside, outside):
    """Seconds of a product of `rows` vectors with a matrix, all elements of two bytes."""
    moved = 2 * rows * inside + 2 * rows * outside + 2 * inside * outside
    return max(2 * rows * inside * outside / P, moved / BW)


def _qwen_next(B, L):
    """A decoding step of Qwen3-Next on one accelerator [s]: kernels one after another, two matrices by two."""
    d, experts = 2048, 512
    full = 2 * _linear(B, d, 16 * 256) + 2 * _linear(B, d, 2 * 256)  # queries and their gate; keys and values
    full += max(4 * B * 16 * L * 256 / P, (2 * B * L * 2 * 256 * 2 + 2 * B * 16 * 256 * 2) / BW)
    full += 3 * B * 16 * 256 * 2 / BW + _linear(B, 16 * 256, d)  # the gate, and the output
    state, channels = 32 * 128 * 128, 2 * 16 * 128 + 32 * 128
    delta = 2 * _linear(B, d, 16 * 128) + 2 * _linear(B, d, 32 * 128) + 2 * _linear(B, d, 32)
    taps = 2 * 4 * B * channels / P, (2 * B * channels * 2 + 2 * B * 3 * channels * 2 + 4 * channels * 2) / BW
    delta += max(taps)
    delta += max(7 * B * state / P, (2 * B * state * 4 + B * channels * 2 + B * 32 * 128 * 2 + 2 * B * 32 * 2) / BW)
    delta += 3 * B * 32 * 128 * 2 / BW + _linear(B, 32 * 128, d)
    reached = experts * (1 - (1 - 10 / experts) ** B)
    routed = max(6 * 10 * B * d * 512 / P, (2 * 10 * B * d * 2 + reached * 3 * d * 512 * 2) / BW)
    shared = max(6 * B * d * 512 / P, (2 * B * d * 2 + 3 * d * 512 * 2) / BW)
    half = routed + shared + _linear(B, d, experts)
    return 12 * (full + half) + 36 * (delta + half) + _linear(B, d, 151_936)


@pytest.mark.parametrize(("B", "L"), [(1, 1024), (32, 65_536), (4096, 512)])
def test_tpot_of_a_mixed_model_is_the_sum_over_its_blocks(B, L):
    step = {"model": "qwen3-next-80b-a3b", "accelerator": "b200-sxm", "B": B, "L": L}
    found = evaluate("tpot", **step).value
    assert found == pytest.approx(_qwen_next(B, L), rel=1e-9)
    assert sum(evaluate("stage_times", **step).value.values()) == pytest.approx(found, rel=1e-12)
    assert sum(evaluate("tpot_terms", **step).value.values()) == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("model", ["qwen3-next-80b-a3b", "glm-5.2", "nemotron-3-super", "deepseek-v4-flash", "kimi-k3"])
def test_layers_of_kinds_add_up_to_the_step(model):
    setting = Setting.of(model=model, **SYSTEM, B=64, L=32_768)
    counts, found = block_counts(setting), layers(setting)
    assert len({layer.title for layer in found.values()}) == len(found)
    assert counts.keys() == found.keys()
    terms = evaluate("tpot_terms", setting).value
    apart = terms["dispatch"] + terms["combine"] + terms["all_reduce"]
    stages = sum(evaluate("stage_times", setting).value.values())
    assert stages + apart == pytest.approx(evaluate("tpot", setting).value, rel=1e-12)


# -- drafts checked by states ------------------------------------------------------------------------------------
def test_a_step_of_drafts_saves_a_state_for_each_token_and_memory_holds_them():
    """Lightning, 70 blocks of 64 heads of 128 x 128 in FP32: read once and left four times; a prompt leaves one."""
    state = 64 * 128 * 128 * 4
    step = {"model": "minimax-m1", "B": 3, "L": 4096}
    vectors = 2 * 64 * (128 + 128 + 128 + 128)  # q, k, v and the answer of a token, 16 bit; each head decays alike
    for l in (1, 4):
        found = evaluate("core_attention_bytes", **step, l=l).beside["in a Lightning block"]
        assert found == 3 * ((1 + l) * state + l * vectors) + 2 * 64 * l, l
        assert evaluate("state_bytes", **step, l=l).value == 70 * l * state
    prompt = step | {"phase": "prefill"}
    assert evaluate("state_bytes", **prompt).value == 70 * state
    found = evaluate("core_attention_bytes", **prompt).beside["in a Lightning block"]
    assert found == 3 * (2 * state + 4096 * vectors) + 2 * 64 * 4096


@pytest.mark.parametrize("model", ["minimax-m1", "jamba-v0.1", "qwen3-next-80b-a3b"])
def test_requests_that_fit_beside_states_of_drafts(model):
    """Each further query token takes as much again as the states do, and its activations, which are left out here."""
    given = {"model": model, **SYSTEM, "L": 4096, "activation": "none", "rounding": "none"}
    free = [evaluate("B_cap", **given, l=l).value for l in (1, 3)]
    held = [evaluate("kv_cache_bytes", **given, l=l).value for l in (1, 3)]
    states = evaluate("state_bytes", model=model).value
    assert held[1] - held[0] == 2 * states > 0
    assert free[0] * held[0] == pytest.approx(free[1] * held[1], rel=1e-9)


def test_answers_say_that_drafts_have_states_and_in_which_phase_a_state_is_passed():
    given = {"model": "minimax-m1", "B": 8, "L": 8192}
    told = {l: " ".join(evaluate("phi", **given, l=l).notes) for l in (1, 4)}
    assert "l=4: a step reads a state once and leaves one for each query token" in told[4]
    assert "leaves one" not in told[1]
    assert "leaves one" not in " ".join(evaluate("core_attention_flops", **given, l=4).notes)
    for model in ("deepseek-v3", "deepseek-v4-flash"):
        assert "leaves one" not in " ".join(evaluate("phi", model=model, B=8, L=8192, l=4).notes)
    titles = [layers(Setting.of(model="minimax-m1", phase=phase))["lightning_core"].title for phase in PHASES]
    assert titles == ["step of the state, Lightning", "prompt through the state, Lightning"]


# -- residual streams --------------------------------------------------------------------------------------------
def _sites(count, tokens, d, n=4):
    """Seconds of so many sites around halves of blocks, 16 bit: a map of all streams, one weighed sum, n x n mixing."""
    weights, coefficients = n * d * (2 * n + n * n), n + n * n
    before = 2 * tokens * (weights + n * d), 2 * (tokens * ((n + 1) * d + coefficients) + weights)
    after = 2 * tokens * (n * n + n) * d, 2 * tokens * ((2 * n + 1) * d + coefficients)
    return count * sum(max(flops / P, moved / BW) for flops, moved in (before, after))


def _last_site(tokens, d, n=4):
    moved = 2 * (tokens * (n + 1) * d + n * n * d)
    return max(2 * tokens * (n * n + n) * d / P, moved / BW)


@pytest.mark.parametrize("B", [8, 4096])
def test_streams_of_a_step_and_of_a_prompt_by_hand(B):
    """Two sites in each of 43 blocks and one before the head; an accelerator mixes what its requests have."""
    for phase, each in (("decode", 1), ("prefill", 1024)):
        step = {"model": "deepseek-v4-flash", **SYSTEM, "B": B, "L": 1024, "phase": phase, "BW_Int": 9e11}
        found = evaluate("tpot_terms", **step).value["residual_streams"]
        tokens = B / 8 * each
        assert found == pytest.approx(_sites(2 * 43, tokens, 4096) + _last_site(tokens, 4096), rel=1e-12)
        times = evaluate("stage_times", **step).value
        assert times["streams"] + times["streams_head"] == pytest.approx(found, rel=1e-12)


def test_blocks_that_prompts_skip_mix_streams_of_the_last_tokens():
    """V4.1-Flash: 21 blocks mix all of a prompt, 19 the last 128 tokens, and every block its one token in decode."""
    step = {"model": "deepseek-v4.1-flash", **SYSTEM, "B": 8, "L": 4096, "BW_Int": 9e11}
    prompt = evaluate("tpot_terms", **step, phase="prefill").value["residual_streams"]
    by_hand = _sites(2 * 21, 4096, 5120) + _sites(2 * 19, 128, 5120) + _last_site(4096, 5120)
    assert prompt == pytest.approx(by_hand, rel=1e-12)
    decode = evaluate("tpot_terms", **step).value["residual_streams"]
    assert decode == pytest.approx(_sites(2 * 40, 1, 5120) + _last_site(1, 5120), rel=1e-12)


def test_tensor_parallelism_divides_no_stream():
    step = {"model": "deepseek-v4-flash", **SYSTEM, "B": 64, "L": 1024, "BW_Int": 9e11}
    found = evaluate("tpot_terms", **step, deg_TP=4).value["residual_streams"]
    assert found == pytest.approx(_sites(2 * 43, 32, 4096) + _last_site(32, 4096), rel=1e-12)


def test_rows_without_streams_take_no_time_for_them():
    streamed = {"deepseek-v4-flash", "deepseek-v4-pro", "deepseek-v4.1-flash"}
    found = {model: layers(Setting.of(model=model)).keys() & {"streams", "streams_head"} for model in datasets.models()}
    assert {model for model, stages in found.items() if stages} == streamed
    terms = evaluate("tpot_terms", model="deepseek-v3", **SYSTEM, B=64, L=1024).value
    assert terms["residual_streams"] == 0


# -- what stands beside memory and wires -------------------------------------------------------------------------
def test_phi_is_what_a_step_moves_over_what_is_kept():
    """States twice; a cache once, and the row that it gains; of picked rows 2048, and every index key."""
    assert evaluate("phi", model="llama-2-7b", L=1024).value == pytest.approx(1 + 1 / 1024)
    assert evaluate("phi", model="qwen3-next-80b-a3b", L=1).beside["in GDN blocks"] == 2
    L = 131_072
    row, key = 2 * 576, 2 * 128
    by_hand = (2048 * row + L * key + row + key) / (L * (row + key))
    assert evaluate("phi", model="deepseek-v3.2", L=L).value == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "ratio"),
    [
        ("deepseek-v3", 6 * 7168 * 2048 / (2 * 7168 * 2)),
        ("nemotron-3-super", 4 * 1024 * 2688 / (2 * 1024 * 2)),
        ("kimi-k3", 6 * 3584 * 3072 / (2 * 3584 * 2)),
    ],
)
def test_operations_for_each_exchanged_byte(model, ratio):
    """Three (or two) matrices of d x d_MoE for each vector of d that goes out and comes back at two bytes."""
    assert evaluate("wire_ratio", model=model).value == pytest.approx(ratio, rel=1e-12)


def test_stages_stand_against_the_ridge_point_by_hand():
    """V3.2 for one request: picked rows by 128 heads, and what the absorbed query and the result take."""
    ridge = 2250e12 / 8e12
    found = evaluate("ridge_by_stage", model="deepseek-v3.2", accelerator="b200-paper", B=1, L=65_536).value
    index = 65_536 * 64 * (2 * 128 + 2) / (65_536 * (128 * 2 + 4) + 64 * 128 * 2 + 64 * 2)
    assert found["index"] == pytest.approx(index / ridge, rel=1e-12)
    moved = 2048 * (512 + 64) * 2 + 2048 * 4 + 128 * (512 + 64 + 512) * 2
    assert found["core"] == pytest.approx(2048 * 128 * 2 * (512 + 64 + 512) / moved / ridge, rel=1e-12)
    assert found["select"] == 0
    state = evaluate("ridge_by_stage", model="minimax-m1", accelerator="b200-paper", B=4, L=1024).value
    alone = evaluate("state_intensity", model="minimax-m1", B=4).value
    assert state["lightning_core"] == pytest.approx(alone / ridge, rel=1e-12)


def test_the_index_reads_every_key_and_writes_every_score():
    L, B = 65_536, 4
    flops = 2 * B * L * 64 * 128 + 2 * B * L * 64
    moved = B * (L * 128 * 2 + L * 4 + 64 * 128 * 2 + 64 * 2)
    found = evaluate("index_intensity", model="deepseek-v3.2", L=L, B=B).value
    assert found == pytest.approx(flops / moved, rel=1e-12)
    assert evaluate("state_intensity", model="minimax-m1", B=B).value < 1


def test_a_prompt_passes_states_in_chunks_by_hand():
    """Nemotron-3 says chunks of 128 tokens, Qwen3-Next nothing: 64. Mamba-2 multiplies scores and answers within a
    chunk, reads and updates the state; the delta rule does twice the squares and one reading more, half of them masked.
    """
    L, B = 8192, 2
    half = {"B": B, "L": L, "phase": "prefill", "causal": 0.5}
    found = evaluate("core_attention_flops", model="nemotron-3-nano", **half | {"causal": 1}).beside
    per_token = 2 * 128 * (128 + 64) + 4 * 128 * 64
    assert found["in a Mamba2 block"] == B * L * 64 * per_token
    state = 2 * 128 * 128
    chunks = L / 64 * 64 * 65 / 2
    found = evaluate("core_attention_flops", model="qwen3-next-80b-a3b", **half).beside["in a GDN block"]
    assert found == pytest.approx(B * 32 * (4 * 2 * chunks * 128 + 3 * L * state), rel=2e-4)
    step = evaluate("core_attention_flops", model="qwen3-next-80b-a3b", B=B, L=L).beside["in a GDN block"]
    assert step == B * 32 * 7 * 128 * 128


# -- plans, and what is refused ----------------------------------------------------------------------------------
def test_a_plan_divides_the_heads_of_every_kind():
    """32 query heads on 2 key-value heads, 128 heads of states: no degree of 64 for the attention blocks."""
    found = plans(Setting.of(model="nemotron-3-super", accelerator="b200-sxm", n_acc=16, L=65_536))
    assert {plan.degrees["deg_TP"] for plan in found} <= {1, 2, 4, 8, 16}
    assert found[0].batch > 100
    with pytest.raises(InputError, match=r"deg_TP=64: must divide the 32 heads .* of every kind of block"):
        evaluate("kv_bytes_per_accelerator", model="nemotron-3-super", n_acc=64, deg_TP=64, L=1024)


def test_more_blocks_are_refused_where_kinds_differ():
    with pytest.raises(InputError, match="it is not said which kind goes"):
        evaluate("parameters", model="kimi-linear-48b-a3b", blocks=30)


@pytest.mark.parametrize(
    ("quantity", "model", "lacks"),
    [
        ("index_intensity", "llama-2-7b", "an index that picks rows"),
        ("state_intensity", "deepseek-v3.2", "a recurrent state in place"),
        ("wire_ratio", "llama-2-7b", "has no routed experts"),
        ("B_MoE", "nemotron-h-56b", "has no routed experts"),
    ],
)
def test_a_quantity_that_a_model_does_not_have_is_refused(quantity, model, lacks):
    with pytest.raises(InputError, match=lacks):
        evaluate(quantity, model=model, **SYSTEM)


def test_answers_say_of_which_blocks_they_speak_and_where_a_pick_is_everything():
    notes = " ".join(evaluate("core_attention_flops", model="qwen3-next-80b-a3b", L=64, B=1).notes)
    assert "is of a block of GQA_gated, which 12 of 48 blocks have" in notes
    short = " ".join(evaluate("core_attention_bytes", model="deepseek-v3.2", L=2048, B=1).notes)
    assert "L=2048 holds no more than a query may pick (2048 tokens)" in short
    long = " ".join(evaluate("core_attention_bytes", model="deepseek-v3.2", L=2049, B=1).notes)
    assert "holds no more" not in long


def test_answers_say_what_else_the_term_of_core_attention_holds():
    """A state of 2 MB and a convolution's inputs beside 8,192 rows, by the bytes of one request; nothing for R1."""
    given = {"accelerator": "b200-paper", "B": 8, "n_acc": 8, "L": 8192}
    state, inputs, rows = 36 * 2 * 32 * 128 * 128 * 4, 36 * 2 * 3 * 8192 * 2, 12 * 8192 * 2048
    (note,) = (n for n in evaluate("tpot_terms", model="qwen3-next-80b-a3b", **given).notes if "holds more" in n)
    share = int(note.split("step of the state, GDN ")[1].split(" %")[0])
    assert share == pytest.approx(100 * state / (state + inputs + rows), abs=1)
    assert not any("holds more" in note for note in evaluate("tpot_terms", model="deepseek-v3", **given).notes)
    (note,) = (n for n in evaluate("tpot_terms", model="glm-5.2", **given).notes if "holds more" in n)
    assert "index scores" in note


def test_every_kind_has_a_name_and_heads():
    for row in datasets.models().values():
        assert row.heads, row.id
        assert sum(kind.blocks for kind in row.kinds) == row.n_dec
