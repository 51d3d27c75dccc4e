"""What the table of omissions says of its sizes and directions, where code can tell (windows: tests/derive/windows)."""

import pytest
from sympy import Rational

from analysis.ask.numbers import exact
from analysis.derive.block import Conventions, attention_stages
from analysis.derive.block import flops as flops_of
from analysis.derive.states import CUT, KDA
from analysis.derive.symbols import B, L, L_cut, causal, d_k, d_s, l, n_v
from analysis.files.errors import InputError
from analysis.render.after_tables import adding_share, after_model
from analysis.render.family_tables import between_chunks, chunks_over_steps, inverse_over_core
from analysis.systems.quantities import evaluate

SYSTEM = {"model": "deepseek-v3", "accelerator": "b200-sxm", "link": "nvlink5-b200", "n_acc": 32, "L": 8192}


def flops(**given):
    return evaluate("core_attention_flops", B=1, **given).value


def test_the_whole_plane_of_scores_is_twice_the_causal_half_and_decode_has_none():
    prefill = {"model": "deepseek-v3", "phase": "prefill", "L": 4096}
    assert flops(**prefill) == 2 * flops(**prefill, causal=0.5)


def test_tensor_parallelism_beyond_the_group_is_refused():
    with pytest.raises(InputError, match="deg_TP"):
        evaluate("tpot", **SYSTEM | {"n_acc": 144}, deg_TP=144, B=128)


def test_copies_that_stay_at_home_are_one_in_the_accelerators():
    """Eq. 13 sends every copy of a token; with experts spread evenly one in n_acc goes nowhere."""
    times = {n: evaluate("all_to_all_time", **SYSTEM | {"n_acc": n}, B=4096).value for n in (8, 64)}
    assert times[8] == pytest.approx(8 * times[64])


def test_making_the_copy_of_the_rotary_key_is_free():
    order = {"model": "deepseek-v3", "B": 1, "L": 4096, "order": "as_printed"}
    charged = [evaluate("kv_decompression_flops", **order, rope_key=key).value for key in ("per_head", "shared")]
    assert charged[0] == charged[1]


def test_adding_to_the_one_stream_takes_little_of_a_step():
    """Two halves in each of R1's 61 blocks: the stream and the half's result are read, their sum is written."""
    given = dict(after_model("deepseek-v3").setting.given) | {"L": 8192}
    batch = evaluate("B_cap", rounding="down", **given).value
    moved = batch / 32 * 61 * 2 * 3 * 7168 * 2
    share = moved / 8e12 / evaluate("tpot", **given, B=batch).value
    assert adding_share("deepseek-v3", 8192) == pytest.approx(share, rel=1e-3)
    assert share < 0.01


def test_streams_of_v4_take_a_twentieth_of_its_step():
    """Two sites in 43 blocks: four streams are read twice and written once, an input written, an output read."""
    given = dict(after_model("deepseek-v4-flash").setting.given) | {"L": 8192}
    batch = evaluate("B_cap", rounding="down", **given).value
    moved = batch / 32 * 43 * 2 * (3 * 4 + 2) * 4096 * 2
    times = evaluate("tpot_terms", **given, B=batch).value
    assert times["residual_streams"] == pytest.approx(moved / 8e12, rel=0.01)  # coefficients and weights come on top
    assert times["residual_streams"] / sum(times.values()) == pytest.approx(0.05, abs=0.005)


def test_what_chunks_of_a_prompt_leave_out():
    """A head of 128 x 128 and 64 tokens: half of a square for each product in the chunk; its inverse is not counted."""
    assert CUT == 64
    heads = {n_v: 1, d_k: 128, d_s: 128, B: 1, l: 64, L: 64, L_cut: 64, causal: Rational(65, 128)}
    core = float(exact(flops_of(attention_stages(KDA, Conventions(prompt=True))["core"]), heads)) / 64
    assert core == pytest.approx(6 * 128**2 + 4 * 65 * 128)
    assert (core - 4 * 128) / (7 * 128**2) == pytest.approx(8 / 7)  # the diagonal apart, over the steps of its tokens
    for name in ("KDA", "GDN"):
        said = chunks_over_steps(name, 1, 128, 128)
        assert said == pytest.approx((6 * 128**2 + 4 * 65 * 128) / (7 * 128**2), rel=1e-3)
        # a row of the inverse adds up to 64 columns of the rows before it: 64 x 65 / 2 pairs, 64 wide, 2 operations
        added = 64 * 65 * 64 / 64 / (6 * 128**2 + 4 * 65 * 128)
        assert inverse_over_core(name, 128, 128) == pytest.approx(added, rel=1e-3)
    assert added == pytest.approx(0.031, abs=0.001)


def test_solving_a_chunk_row_by_row_takes_a_third_of_the_bound():
    """Forward substitution of a unit lower triangle, counted product by product and sum by sum."""
    wide, taken = 64, 0
    for row in range(wide):
        taken += sum(2 for column in range(row) for before in range(column, row))  # T[row, column] adds A T[before]
    counted = 64 * (6 * 128**2 + 4 * 65 * 128)
    assert taken / counted == pytest.approx(inverse_over_core("GDN", 128, 128) / 3, rel=0.02)


def test_a_state_of_each_chunk_in_memory_doubles_what_a_prompt_moves():
    """A head of 128 x 128: q, k, v and answers of 64 tokens, beside which a state that is written and read is as large.

    The study counts those rows, two gates of each token, and the prompt's state in FP32 before and after.
    """
    rows, state, pairs = 64 * 128, 128**2, 64 * 65 / 2
    fused = 4 * rows + 2 * 64
    assert between_chunks("GDN", 128, 128) == pytest.approx((fused + 2 * state) / fused, rel=1e-3)
    by_line = 8 * state + 31 * rows + 8 * pairs + 7 * 64  # of twenty lines, each tensor of each
    assert between_chunks("GDN", 128, 128, "layered") == pytest.approx(by_line / fused, rel=1e-3)


def test_a_prompt_of_a_state_moves_its_rows_and_one_state_before_and_after():
    """Of 64 heads q, k, v and answers, a decay of each token, and the state in FP32."""
    given = {"model": "minimax-m1", "phase": "prefill", "B": 1, "L": 2**20}
    beside = evaluate("core_attention_bytes", **given).beside["in a Lightning block"]
    assert beside == 4 * 64 * 128 * 2 * 2**20 + 64 * 2 * 2**20 + 2 * 64 * 128**2 * 4
