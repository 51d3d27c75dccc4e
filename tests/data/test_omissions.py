"""What the table of omissions says of its sizes and directions, where code can tell (windows: tests/derive/windows)."""

import pytest

from analysis.files.errors import InputError
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
