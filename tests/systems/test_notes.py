"""What is said beside a number: each note where it belongs, its limit by hand, and silence where all is well."""

import json
import random
import re
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from analysis import table
from analysis.ask.setting import Setting
from analysis.cli.main import run as command_line
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.sweeps.running import sweep
from analysis.systems.effects import without_effect
from analysis.systems.quantities import all_quantities, evaluate, quantity

from .test_doors import SYSTEM, VALUES, together

R1 = {"model": "deepseek-v3", "accelerator": "b200-paper", "link": "nvlink5-nvl72", "n_acc": 32, "L": 8192, "width": 2}


def said(name, **given):
    return " ".join(evaluate(name, **given).notes)


def idle(name, **given):
    """The parameters that an answer calls without effect."""
    found = [note for note in evaluate(name, **given).notes if note.startswith("without effect")]
    return {each.split("=")[0] for each in found[0].rsplit(": ", 1)[1].rstrip(".").split(", ")} if found else set()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("tpot", R1 | {"B": 1024}),
        ("kv_bytes_per_token", {"model": "deepseek-v3"}),
        (
            "attention_block_time",
            {"model": "deepseek-v3", "accelerator": "b200-sxm", "B": [64, 128], "L": 4096, "width": 2},
        ),
        ("expert_intensity", {"model": "deepseek-v3", "B": 4096, "format": "bf16"}),
        ("expert_intensity", {"model": "deepseek-v3"} | {"B": [64, 4096], "n_acc": 1, "width": 2}),
        ("B_SLO", R1 | {"slo": 0.02}),
        ("load_imbalance", {"model": "deepseek-v3", "n_acc": 32, "s": 0.5, "placement": "lpt"}),
        ("tpot", R1 | {"B": 1024, "order": "reordered", "overlap": "none", "Gamma_imb": 1.5, "alpha": 1e-6}),
    ],
)
def test_nothing_is_said_where_all_is_well(name, given):
    assert evaluate(name, **given).notes == ()


RUBIN = {"accelerator": "rubin-vr200", "n_acc": 32}


@pytest.mark.parametrize(
    ("name", "given", "rows"),
    [
        ("tpot", R1 | RUBIN | {"B": 1024}, {"accelerator=rubin-vr200"}),
        ("tpot", R1 | {"link": "nvlink6-rubin", "B": 1024}, {"link=nvlink6-rubin"}),
        ("tpot", R1 | {"link": "nvlink6-rubin", "B": 1024, "BW_Int": 1e12}, set()),
        ("tpot", R1 | {"accelerator_experts": "rubin-vr200", "B": 1024}, {"accelerator_experts=rubin-vr200"}),
        (
            "tpot",
            R1 | {"link": "nvlink6-rubin", "group": 8, "link_between": "ici-8t", "B": 1024},
            {"link=nvlink6-rubin", "link_between=ici-8t"},
        ),
        ("ridge_point", RUBIN, {"accelerator=rubin-vr200"}),
        ("kv_bytes_per_token", R1 | RUBIN, set()),
    ],
)
def test_figures_that_were_only_announced_are_named_where_the_number_rests_on_them(name, given, rows):
    found = [each for each in evaluate(name, **given).notes if "announced" in each]
    assert {each.split()[2] for each in found} == rows


def test_more_accelerators_than_a_link_joins():
    """NVLink inside a board joins 8; a group of 8 is within it, and a bandwidth given by hand is taken at its word."""
    board = {"model": "deepseek-v3", "accelerator": "h100-sxm5", "L": 4096, "B": 128, "link": "nvlink4-h100"}
    assert "link=nvlink4-h100 joins at most 8 accelerators (column domain), here 16" in said("tpot", **board, n_acc=16)
    assert "joins at most" not in said("tpot", **board, n_acc=8)
    assert "joins at most" not in said("tpot", **board, n_acc=16, group=8, link_between="ib-xdr")
    assert "joins at most" not in said("tpot", **board, n_acc=16, BW_Int=4.5e11)
    assert "joins at most" not in said("B_cap", **board, n_acc=16)


# -- memory ----------------------------------------------------------------------------------------
def test_a_batch_that_memory_does_not_hold():
    cap = evaluate("B_cap", **R1).value
    assert f"B={cap + 64} exceeds B_cap={cap}" in said("throughput", **R1, B=cap + 64)
    assert "B_cap" not in said("throughput", **R1, B=cap)
    assert "(the first of 2 of 3 values)" in said("throughput", **R1, B=[64, cap + 1, cap + 2])
    assert "B_cap" not in said("all_to_all_time", model="deepseek-v3", B=10**6, BW_Int=1e9)


def test_weights_that_memory_does_not_hold():
    """405.85 billion weights of two bytes against eight devices of 80 GiB; 671 billion against one of 141 GB."""
    told = said("B_cap", model="llama-3.1-405b", accelerator="h100-sxm5", n_acc=8, deg_TP=8, L=8192)
    assert "weights of 811.8 GB do not fit in the memory of 687.2 GB (8 x 85.9 GB)" in told
    told = said("tpot", model="deepseek-v3", accelerator="h200-sxm5", n_acc=1, B=4096, L=8192)
    assert "B=4096 exceeds B_cap=0" in told
    assert "weights of 1342 GB do not fit" in told


def test_a_batch_in_time_that_memory_does_not_hold():
    """One request alone reads every weight of attention and the dense parts: more than a microsecond."""
    cap, within = evaluate("B_cap", **R1).value, evaluate("B_SLO", **R1, slo=0.05).value
    slowest = evaluate("tpot", **R1, B=cap).value
    assert within > cap
    assert said("B_SLO", **R1, slo=0.05) == f"B_SLO={within} exceeds B_cap={cap}, the largest batch that memory holds."
    assert said("B_SLO", **R1, slo=slowest * 0.999) == ""
    alone = evaluate("tpot", **R1, B=1).value
    assert said("B_SLO", **R1, slo=1e-6) == f"no batch meets slo=1e-06: one request alone takes {alone:.6g} s."
    assert "no batch" not in said("B_SLO", **R1, slo=alone * 1.001)


def test_a_context_that_memory_does_not_hold():
    """131,072 tokens of 32 blocks of 2 x 8 x 128 elements of eight bytes take 68.7 GB; weights leave 31.9 of 48."""
    small = {"model": "llama-3.1-8b", "accelerator": "l40s", "L": 131072, "width_kv": 8, "activation": "none"}
    small, memory = small | {"capacity_unit": "GB"}, datasets.accelerator("l40s").M_cap * 1e9
    weights = 2 * evaluate("parameters", model="llama-3.1-8b").value
    told = said("B_cap", **small)
    assert f"weights leave {(memory - weights) / 1e9:.4g} GB of {memory / 1e9:.4g} GB" in told
    assert f"one request takes {32 * 2 * 8 * 128 * 131072 * 8 / 1e9:.4g} GB at L=131072" in told


def test_fewer_requests_than_groups():
    few = R1 | {"L": 2 * 10**6, "rounding": "per_group", "capacity_unit": "GB"}
    assert evaluate("B_cap", **few | {"rounding": "down"}).value < 32
    assert "fewer than deg_DP=32" in said("B_cap", **few)


# -- the step --------------------------------------------------------------------------------------
def test_a_context_beyond_the_models():
    limit = datasets.model("llama-3.1-8b").context_max
    assert limit == 131072
    assert "131072 tokens" in said("kv_cache_bytes", model="llama-3.1-8b", L=limit + 1)
    assert said("kv_cache_bytes", model="llama-3.1-8b", L=limit) == ""
    assert "without effect" in said("parameters", model="llama-3.1-8b", L=limit + 1)
    assert "longest context" not in said("parameters", model="llama-3.1-8b", L=limit + 1)


def test_query_tokens_beyond_the_context_and_in_prefill():
    here = {"model": "llama-3.1-8b", "B": 1}
    assert "l=1000 exceeds L=10" in said("core_attention_flops", **here, L=10, l=1000)
    assert said("core_attention_flops", **here, L=10, l=10) == ""
    assert "phase=prefill means l=L, and l=16" in said("core_attention_flops", **here, L=64, l=16, phase="prefill")
    assert said("core_attention_flops", **here, L=64, phase="prefill") == ""


def test_a_batch_that_groups_do_not_share_evenly():
    assert "B=100 is no multiple of deg_DP=32" in said("tpot", **R1, B=100)
    assert "deg_DP" not in said("tpot", **R1, B=96)
    assert "deg_DP" not in said("throughput", **R1 | {"n_acc": 1, "accelerator": "mi355x"}, B=100)


@pytest.mark.parametrize(("model", "B", "wanted"), [("deepseek-v2", 1, 0.99957), ("deepseek-v3", 16, 1.2547)])
def test_an_expert_that_is_read_serves_a_token(model, B, wanted):
    """Tokens of an expert that is read, by enumeration of how many of B independent tokens reach it."""
    row = datasets.model(model)
    chance = row.n_k / row.n_e
    counts = np.arange(1, B + 1)
    tokens = np.sum(counts * binom.pmf(counts, B, chance)) / np.sum(binom.pmf(counts, B, chance))
    flops, moved = 6 * tokens * row.d_emb * row.d_MoE, 2 * (2 * tokens * row.d_emb + 3 * row.d_emb * row.d_MoE)
    answer = evaluate("expert_intensity", model=model, B=B)
    assert answer.beside["of an expert that is read"] == pytest.approx(flops / moved, rel=1e-12)
    assert answer.beside["of an expert that is read"] == pytest.approx(wanted, rel=1e-3)
    assert f"an expert gets {B * chance:.6g} tokens on average" in " ".join(answer.notes)


def test_one_group_of_the_fast_link_holds_all():
    two = R1 | {"B": 1024, "link_between": "ib-xdr"}
    assert "link_between carries nothing: one group=32" in said("tpot", **two, group=32)
    assert said("tpot", **two, group=8) == ""


# -- parameters ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("kv_bytes_per_token", {"model": "llama-3.1-405b", "deg_TP": 16, "n_acc": 16}, {"n_acc"}),
        ("kv_bytes_per_token", {"model": "deepseek-v3", "peak": "fp8", "width_weights": 1}, {"peak", "width_weights"}),
        ("kv_bytes_per_token", {"model": "deepseek-v3", "width": 1, "rope": "out", "blocks": 60}, set()),
        (
            "tpot",
            {"model": "llama-3.1-8b", "accelerator": "b200-sxm", "B": 8, "L": 512}
            | {"Gamma_imb": 2, "placement": "lpt", "copies": 4, "deg_EP": 1, "order": "reordered"},
            {"Gamma_imb", "placement", "copies", "order", "deg_EP"},
        ),
        ("tpot", R1 | {"B": 64, "acceptance": 0.5}, {"acceptance"}),
        ("tpot", R1 | {"B": 64, "acceptance": 0.5, "l": 2}, set()),
        ("tokens_per_step", {"acceptance": 0.5, "l": 1}, {"acceptance"}),
        ("B_SLO", R1 | {"slo": 0.05, "B": 7}, {"B"}),
        ("B_cap", R1 | {"B": 64, "rounding": "none", "slo": 0.05}, {"B", "slo", "link"}),
        ("ridge_point", {"accelerator": "h20-sxm", "model": "gpt3-175b", "seed": 3}, {"model", "seed"}),
        ("load_imbalance", {"model": "deepseek-v3", "n_acc": 32, "s": 1, "L": 8192, "seed": 2}, {"L"}),
        ("tpot", {"scenario": "r1-32", "B": 64, "L": 4096}, set()),
        ("kv_bytes_per_token", {"scenario": "r1-32"}, set()),
    ],
)
def test_parameters_without_effect_are_named_once(name, given, wanted):
    assert idle(name, **given) == wanted


def test_degrees_that_only_change_together_are_not_called_without_effect():
    given = R1 | {"n_acc": 16, "B": 64}
    both = {"deg_TP": 16, "deg_ETP": 16}
    assert evaluate("tpot", **given, **both).value != evaluate("tpot", **given).value
    assert idle("tpot", **given, **both) == set()


def test_a_choice_that_counts_as_its_default_is_said():
    given = R1 | {"B": 64}
    for placement in ("lpt", "strided"):
        told = said("tpot", **given, placement=placement)
        assert evaluate("tpot", **given, placement=placement).value == evaluate("tpot", **given).value
        assert told == f"placement={placement} gives the same tpot here as placement=contiguous."
        assert said("tpot", **given, placement=placement, s=0.5) == ""
    assert said("tpot", **given, placement="replicated") == ""


def test_what_is_called_without_effect_has_none():
    """Random answers: every parameter that is named changes no number, whatever value it takes."""
    draw, tried = random.Random(3), 0
    names = [each.name for each in all_quantities() if each.expression and "tpot" not in each.name]
    while tried < 60:
        chosen = {name: draw.choice(VALUES[name]) for name in draw.sample(sorted(VALUES), 4)}
        given, name = together(chosen, {}), draw.choice(names)
        try:
            answer = evaluate(name, **given)
            named = without_effect(quantity(name), answer.setting, sorted({*chosen} - {"scenario"}), answer.asked)
        except InputError:
            continue
        for each in named:
            for value in VALUES[each]:
                try:
                    other = evaluate(name, **given | {each: value}).value
                except InputError:
                    continue
                assert other == answer.value, (name, each, value, given)
        tried += bool(named)


def test_a_notebooks_setting_has_no_parameters_of_a_reader():
    setting = Setting.of(**SYSTEM, calibration="published", seed=3)
    assert evaluate("kv_bytes_per_token", setting).notes == ()


# -- rows ------------------------------------------------------------------------------------------
def _with(row, columns):
    """A row with columns that an import fills in."""
    copy = row.model_copy()
    copy.__dict__ |= columns
    return copy


@pytest.fixture
def imported(monkeypatch):
    def put(**more):
        monkeypatch.setattr(Setting, "model", property(lambda setting: _with(setting._row("model"), more)))

    return put


def test_what_an_imported_model_omits_is_said_in_every_answer_about_it(imported):
    imported(omits="the indexer of sparse attention")
    for name in ("kv_bytes_per_token", "parameters", "core_attention_flops"):
        told = said(name, model="deepseek-v3", L=8192, B=1)
        assert "deepseek-v3 omits what its file has: the indexer of sparse attention." in told
    assert "omits" not in said("ridge_point", model="deepseek-v3", accelerator="b200-sxm")
    assert "omits" in said("tpot", scenario="r1-32", B=64, L=512)


def test_widths_that_a_file_states_are_said_where_another_is_counted(imported):
    imported(width_kv=1.0, width_weights=None)
    assert "published with width_kv=1, counted here at 2; width_kv=1 counts it, or format=served" in said(
        "kv_bytes_per_token", model="deepseek-v3"
    )
    assert said("kv_bytes_per_token", model="deepseek-v3", width_kv=1) == ""
    assert said("parameters", model="deepseek-v3") == ""


def test_widths_of_experts_and_a_format_are_said_where_they_follow_others_in_the_number():
    told = "gpt-oss-120b is published with width_experts=0.53125, counted here at 2; width_experts=0.53125 counts it"
    system = {"model": "gpt-oss-120b", "accelerator": "h100-sxm5", "L": 8192}
    assert told in said("B_cap", **system)
    for given in ({"width_experts": 0.53125}, {"format": "served"}, {"width": 2}):
        assert "published" not in said("B_cap", **system, **given)
    assert "published" not in said("attention_block_time", **system, B=8)  # which has no experts
    several = said("B_cap", model="deepseek-v4-flash", accelerator="h100-sxm5", n_acc=32, L=8192)
    assert "width_weights=1, width_experts=0.53125, format=row-fp8-rope-bf16, counted here at 2, 2, bf16" in several
    cache = {"model": "deepseek-v3.2"}
    assert "published with format=latent-fp8, counted here at bf16" in said("kv_bytes_per_token", **cache)
    for given in ({"format": "served"}, {"format": "latent-fp8"}, {"width_kv": 1}):
        assert "published" not in said("kv_bytes_per_token", **cache, **given)


# -- where they are told ---------------------------------------------------------------------------
def test_the_command_line_prints_notes_and_json_has_their_key(capsys):
    given = ["evaluate", "kv_cache_bytes", "model=llama-3.1-8b", "L=200000"]
    assert command_line(given) == 0
    assert "\nnote: L=200000 exceeds the longest context" in capsys.readouterr().out
    assert command_line([*given, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["notes"]) == 1
    assert command_line(["evaluate", "ridge_point", "accelerator=b200-sxm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []


def test_a_plan_says_what_the_term_that_it_names_holds(capsys):
    assert command_line(["plan", "model=qwen3-next-80b-a3b", "accelerator=h100-sxm5", "n_acc=8", "L=131072"]) == 0
    told = capsys.readouterr().out
    assert "longest term core attention" in told
    assert "\nnote: core_attention holds more than attention to rows" in told


def test_a_plan_has_notes_too(capsys):
    given = ["plan", "model=llama-3.1-8b", "accelerator=b200-sxm", "n_acc=1"]
    assert command_line([*given, "L=200000"]) == 0
    assert "\nnote: L=200000 exceeds the longest context of Llama 3.1 8B, 131072 tokens." in capsys.readouterr().out
    assert command_line([*given, "L=4096", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []


OVER = {"model": ["deepseek-v3", "llama-2-7b"], "B": [32, 1024, 65536], "L": [2048, 4096, 32768]}
FIXED = {"accelerator": "b200-paper", "link": "nvlink5-b200", "n_acc": 32}


def test_tables_count_the_points_that_must_be_noted(tmp_path, capsys):
    """By asking each point alone; in blocks of any size, in memory and in files."""
    said = json.loads(table("tpot", OVER, **FIXED).schema.metadata[b"notes"])
    alone = [
        evaluate("tpot", **FIXED, **dict(zip(OVER, point, strict=True))).notes for point in product(*OVER.values())
    ]
    memory, context = (sum(word in " ".join(notes) for notes in alone) for word in ("exceeds B_cap", "longest context"))
    assert (0 < memory < 18, context) == (True, 3)
    assert [note.split(" points")[0] for note in said] == [f"{memory} of 18", f"{context} of 18"]
    done = sweep({"quantities": ["B_cap", "tpot"], "with": FIXED, "over": OVER}, tmp_path / "t.csv", 1, progress=False)
    assert list(done.notes) == said
    fitting = {"quantities": "tpot", "with": FIXED, "over": OVER, "constraints": ["fits_memory"]}
    assert [note[:7] for note in sweep(fitting, tmp_path / "f.csv", 1, progress=False).notes] == ["3 of 18"]


def test_tables_without_anything_to_note_say_nothing(tmp_path):
    assert json.loads(table("ridge_point", {"accelerator": ["b200-sxm"]}).schema.metadata[b"notes"]) == []
    assert json.loads(table("kv_bytes_per_token", {"L": [10, 20]}, model="deepseek-v3").schema.metadata[b"notes"]) == []


def test_the_batch_up_to_which_a_step_is_launches_more_than_work():
    """Both sides of it by what stands beside the time; large weights leave no such batch."""
    small = {"model": "llama-3.1-8b", "accelerator": "h200-sxm5", "n_acc": 8, "deg_TP": 8, "L": 4096}
    found = said("tpot", **small, B=8, calibration="published")
    most = int(re.search(r"half of a step up to (\d+) requests", found)[1])
    for batch, launching in ((most, True), (most + 1, False)):
        answer = evaluate("tpot", **small, B=batch, calibration="published")
        assert (2 * answer.beside["launch floors, within it"] >= answer.value) == launching
    assert "launches take" not in said("tpot", **small | {"n_acc": 1, "deg_TP": 1}, B=8, calibration="published")
    assert "launches take" not in said("tpot", **small, B=8)
