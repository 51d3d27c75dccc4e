"""What the chapter on measured hardware says first: what may be trusted, and what kernels change."""

from functools import partial

import numpy as np
import pytest

from analysis.measured import served
from analysis.measured.serving_runs import load_runs
from analysis.render import served_words, trust_tables
from analysis.render.digits import percent
from analysis.render.figures import measured_answer


def test_the_table_of_trust_prints_what_the_notebook_measured():
    notes = {"model_error_gemm_fp8": 0.051, "model_90_error_gemm_fp8": 0.18, "roofline_error_gemm_fp8": 0.58}
    notes |= {"short_error_gemm_fp8": 0.07, "served_median": 0.116, "served_90": 0.355}
    lines = trust_tables.trust_table(notes).splitlines()
    (quantised,) = [line for line in lines if "FP8" in line]
    wanted = [percent(0.051), percent(0.18), percent(0.07), "–", percent(0.58)]
    assert [each.split() for each in quantised.strip("|").split("|")][1:] == [each.split() for each in wanted]
    assert percent(0.355).split()[0] in next(line for line in lines if line.startswith("| a deployment"))


def test_kernels_move_the_schedule_of_experts_most():
    """Both shares are pinned elsewhere, a boundary by hand; a conclusion whose device nobody timed is left out."""
    move = trust_tables.kernels_move()
    assert (move["judged"], move["turned"], move["most"]) == (10, 0, "scheduling aligns experts")
    assert (move["before"], move["after"]) == (pytest.approx(0.5), pytest.approx(33 / 180))
    table = trust_tables.measured_conclusions_table()
    assert "are not known on its device" in table
    assert "are known on few of its points" in table


def test_the_scatter_shows_what_the_command_prints():
    runs = load_runs()[::7]
    notes = measured_answer.served_notes(measured_answer.served_rows(runs))
    group = served.report(runs, "published")["groups"][0]
    assert (notes["served_median"], notes["served_90"]) == pytest.approx((group["median"], group["p90"]))


def test_what_no_fit_has_seen_is_the_worse_device():
    rows = {"operation": ["gemm-fp8"], "model": [0.05], "device": [np.nan]}
    assert measured_answer.held_out_notes(rows) == {"model_error_gemm_fp8": 0.05}


def test_one_version_of_an_engine_is_faster_than_its_predictions():
    """What no other version of it is, and what widens the band of nine tenths; counted from the runs themselves."""
    fast, before = (partial(served_words.version_number, "deepseek-v3", f"1.2.0rc6.post{number}") for number in (3, 2))
    assert fast("rows") == sum(run.backend_version.endswith("rc6.post3") for run in load_runs())
    assert fast("ratio") > 1.4
    assert before("ratio") == pytest.approx(1, abs=0.1)
    assert fast("others_p90") < 0.9 * served_words.serving_error("p90")


def test_runs_disagree_on_how_wide_a_cache_is():
    wide = partial(served_words.cache_error, "h100-sxm5", "qwen3-32b")
    narrow = partial(served_words.cache_error, "b200-sxm", "gpt-oss-120b")
    assert wide(2) < 0.6 * wide(1)
    assert narrow(1) < 0.9 * narrow(2)
