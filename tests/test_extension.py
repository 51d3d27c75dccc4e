"""CONTRIBUTING's promise: a paragraph of einsum lines and a data row suffice for a mechanism that nobody shipped."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.derive.mechanisms import ALL
from analysis.files.kept import FOLDER
from analysis.render.style import COLOURS, family
from analysis.systems.quantities import evaluate

ROOT = Path(__file__).resolve().parents[1]
ROW = """
id: mqa-test
name: A multi-query model
year: 2019
sizes: {d_emb: 64, n_hd: 8, d_hd: 16, d_FFN: 128, n_vocab: 100, n_ctx: 0}
kinds: [{blocks: 3, attention: MQA, feedforward: dense}]
ffn: plain
tied: true
vectors: [norms]
source: a test
locator: this file
known: assumed
"""


def _paragraph() -> str:
    """The paragraph as CONTRIBUTING prints it, so that the example itself is under test."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(r"\n( {7}MQA = Mechanism\(.*?\n {7}\)\n)", text, re.DOTALL)[1]
    return "\n".join(line[7:] for line in block.splitlines())


KLA = '''
KLA = Mechanism(
    "KLA",
    "latents of groups, queries made in one product",
    cache_text="c_KV[B L n_kv d_KVco] k_R[B L d_RoPE]",
    projections_text="""
        c_KV_new[B l n_kv d_KVco]    = H[B l d_emb] W_CKV[d_emb n_kv d_KVco]
        k_R_new[B l d_RoPE]          = H[B l d_emb] W_RK[d_emb d_RoPE]
        q_N[B l n_kv deg_grp d_nope] = H[B l d_emb] W_DQ[d_emb n_kv deg_grp d_nope]
        q_R[B l n_kv deg_grp d_RoPE] = H[B l d_emb] W_RQ[d_emb n_kv deg_grp d_RoPE]
    """,
    decompression_text={
        "as_printed": """
            k[B L n_kv deg_grp d_nope] = c_KV[B L n_kv d_KVco] W_DK[n_kv d_KVco deg_grp d_nope]
            v[B L n_kv deg_grp d_v]    = c_KV[B L n_kv d_KVco] W_DV[n_kv d_KVco deg_grp d_v]
        """,
        "reordered": """
            q_C[B l n_kv deg_grp d_KVco] = q_N[B l n_kv deg_grp d_nope] W_DK[n_kv d_KVco deg_grp d_nope]
            o[B l n_kv deg_grp d_v]      = o_C[B l n_kv deg_grp d_KVco] W_DV[n_kv d_KVco deg_grp d_v]
        """,
    },
    core_text={
        "as_printed": """
            S[B n_kv deg_grp l L]   = q_N[B l n_kv deg_grp d_nope] k[B L n_kv deg_grp d_nope]
            S[B n_kv deg_grp l L]   = q_R[B l n_kv deg_grp d_RoPE] k_copy[B L n_kv deg_grp d_RoPE]
            o[B l n_kv deg_grp d_v] = S[B n_kv deg_grp l L] v[B L n_kv deg_grp d_v]
        """,
        "reordered": """
            S[B n_kv deg_grp l L]        = q_C[B l n_kv deg_grp d_KVco] c_KV[B L n_kv d_KVco]
            S[B n_kv deg_grp l L]        = q_R[B l n_kv deg_grp d_RoPE] k_R[B L d_RoPE]
            o_C[B l n_kv deg_grp d_KVco] = S[B n_kv deg_grp l L] c_KV[B L n_kv d_KVco]
        """,
    },
    output_text="y[B l d_emb] = o[B l n_kv deg_grp d_v] W_out[n_kv deg_grp d_v d_emb]",
    shared_key="k_copy=k_R",
)
'''
"""An invented mechanism: n_kv latents of d_KVco, each of deg_grp heads, one rotary key, and no compressed query."""
LATENT_ROW = """
id: kla-test
name: A direct latent model
year: 2024
sizes: {d_emb: 7168, n_hd: 128, n_kv: 2, d_hd: 128, d_KVco: 256, d_nope: 128, d_RoPE: 64, d_v: 128,
  d_FFN: 18432, d_MoE: 2048, n_e: 256, n_k: 8, n_shared: 1, d_shared: 2048, n_vocab: 129280, n_ctx: 0}
kinds: [{blocks: 3, attention: KLA, feedforward: dense}, {blocks: 58, attention: KLA, feedforward: experts}]
tied: false
vectors: [norms, latent_norm_kv, router_bias]
context_max: 163840
source: a test
locator: this file
known: assumed
"""
"""R1's sizes, its latent of 512 halved."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The study with two paragraphs and two rows more, and no other edit; forms are kept with ours, under its code."""
    place = tmp_path_factory.mktemp("extended")
    for folder in ("analysis", "data", "tests", "book"):
        shutil.copytree(ROOT / folder, place / folder)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (place / "_build").mkdir()
    (place / "_build" / FOLDER.name).symlink_to(FOLDER)
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, place)
    module = place / "analysis" / "derive" / "attention.py"
    before, mark, after = module.read_text().partition("\nMECHANISMS")
    module.write_text(f"{before}\n{_paragraph()}\n{KLA}{mark}{after}")
    for name, row in (("mqa-test", ROW), ("kla-test", LATENT_ROW)):
        (place / "data" / "models" / f"{name}.yml").write_text(row)
    return place


def _run(place: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(place)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=place, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def known(copy) -> dict:
    return json.loads(_run(copy, "tests.extended", "kla-test", "mqa-test"))


def test_evaluate_knows_the_new_mechanism(known):
    """Sizes by hand: MQA caches one key and one value of 16 per block; 4 FLOPs per head, pair and dimension."""
    found = known["other"]
    assert found["kv_bytes_per_token"] == 3 * (16 + 16) * 2
    assert found["core_attention_flops"] == 4 * 2 * 8 * 10 * 16
    attention, ffn = 64 * 8 * 16 * 2 + 64 * 16 * 2, 2 * 64 * 128
    assert found["parameters"] == 3 * (attention + ffn + 2 * 64) + 64 + 100 * 64
    core = 3 * max(4 * 2 * 8 * 10 * 16 / 2.25e15, 2 * (2 * 2 * 10 * 16 + 2 * 2 * 8 * 16) / 8e12)
    assert found["tpot_terms"]["core_attention"] == pytest.approx(core, rel=1e-12)


def test_listing_and_notebook_know_it(known):
    assert "mqa-test" in known["other"]["listed"]
    assert re.search("mqa-test|multi-query", " ".join(known["other"]["drawn"]))


def test_the_tests_that_look_at_every_mechanism_and_row_still_pass(copy):
    """Those that a mechanism more, or a row without a printed total, could break; the others do not see either."""
    largest = "test_the_largest_batch_of_every_model_asks_for_no_batch"
    named = {
        "data/test_tables.py": ["test_columns_that_disagree_are_named"],
        "systems/test_model_totals.py": [
            "test_a_row_without_a_printed_total_is_an_assumed_one",
            *(f"{largest}[{name}]" for name in ("kla-test", "mqa-test")),
        ],
        "book/test_page.py": [
            "test_closed_forms_are_the_ones_written_by_hand", "test_forms_that_are_equal_are_printed_once",
        ],
    }  # fmt: skip
    chosen = [f"tests/{file}::{name}" for file, names in named.items() for name in names]
    assert " passed" in _run(copy, "pytest", "-q", "-p", "no:cacheprovider", *chosen)


# -- latents of groups ------------------------------------------------------------------------
def test_a_grouped_latent_is_cached_as_its_halves_and_one_key(known):
    """61 blocks cache two latents of 256 and a key of 64; each of two TP ranks one latent and the key, of eight too."""
    cached = {TP: known["quantities"][f"kv_bytes_per_accelerator reordered {TP}"] for TP in (1, 2, 8)}
    assert list(cached.values()) == [61 * 2 * (2 * 256 + 64), 61 * 2 * (256 + 64), 61 * 2 * (256 + 64)]
    assert known["quantities"]["kv_bytes_per_token as_printed 1"] == cached[1]


def test_both_orders_of_it_cost_what_a_hand_count_says(known):
    """FLOPs of a core for 2 requests: 128 heads against 8K tokens, over 128 + 64 and 128, or over 256 + 64 and 256."""
    pairs = 2 * 2 * 128 * 8192
    flops = {order: known["quantities"][f"core_attention_flops {order} 1"] for order in ("as_printed", "reordered")}
    assert flops == {"as_printed": pairs * (128 + 64 + 128), "reordered": pairs * (256 + 64 + 256)}
    attention = 7168 * 128 * 192 + 7168 * (512 + 64) + 2 * 256 * 64 * 2 * 128 + 128 * 128 * 7168
    latent = 7168 * 1536 + 1536 * 128 * 192 + 7168 * (512 + 64) + 512 * 128 * 2 * 128 + 128 * 128 * 7168
    latent += 1536 + 512 - 256  # norms of the query's latent and of one as wide as two
    norms_and_all = evaluate("parameters", model="deepseek-v3").value - 61 * latent
    assert known["quantities"]["parameters reordered 1"] == norms_and_all + 61 * attention
    refused = {name.partition(" ")[0] for name, each in known["quantities"].items() if isinstance(each, str)}
    assert refused == {"index_intensity", "state_intensity", "cost_per_million_tokens"}  # no picks, no state, no price


def test_plans_tables_pages_and_the_explorer_know_it(known):
    assert known["degrees"] == [1, 2, 4, 8]
    assert known["plan"]["deg_TP"] * known["plan"]["deg_DP"] == 32
    assert ["kla-test", "reordered"] in known["kinds"]
    assert ["kla-test", "as_printed"] in known["kinds"]
    assert known["explorer"] == [True, True]
    listed = known["listed"]
    assert [name for name in ("models", "allowed", "limits", "orders", "cached") if "KLA" not in listed[name]] == []
    assert "A direct latent model" in listed["models"]
    assert "infty" in listed["crossing"]
    shipped = {family(name) for name in ALL} - {"mha", "gqa", "mla"}
    assert listed["colour"] not in {colour for name, colour in COLOURS.items() if name not in shipped}


def test_a_report_judges_the_conclusions_on_latent_attention_for_it(known):
    text = known["report"]
    assert "A direct latent model on 32 x B200 SXM 180GB" in text
    assert text.count("It speaks of models") == 0
    assert text.count("It cannot be judged here") == 1  # what the factorial of MHA, GQA and MLA would compare


def test_every_notebook_draws_it_in_sentences_that_are_true_of_it(known):
    refused = {name: said for name, (said, *_) in known["notebooks"].items() if said.startswith("refused")}
    assert list(refused) == ["thesis_attribution"]
    assert "the reference of this comparison needs latent attention (MLA)" in refused["thesis_attribution"]
    spoken = {name for name, said in known["notebooks"].items() if re.search("kla-test|direct latent", " ".join(said))}
    assert {*known["notebooks"]} == spoken
    said = " ".join(text for texts in known["notebooks"].values() for text in texts)
    assert "Of the cache TP divides c_KV and copies k_R" in said
    assert "in a TP group of 8, which divides a part of the cache" in said
    assert "has no head axis" not in said
