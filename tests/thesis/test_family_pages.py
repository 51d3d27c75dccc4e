"""What the pages on sparse attention, on states and on shared caches say of models: each comparison, by counts."""

import pytest

from analysis.data import datasets
from analysis.derive.mechanisms import ALL
from analysis.ledger.claims_mechanisms import of_r1, sized
from analysis.render.family_tables import SHARED, core_intensity, ridge_table
from analysis.systems.quantities import evaluate

LONG = 131072


def of(quantity: str, model: str, context: int = LONG) -> float:
    return evaluate(quantity, model=model, L=context, B=1).value


# -- sparse attention ------------------------------------------------------------------------------
def test_who_keeps_more_than_r1_and_why():
    """V3.2 is R1 with index keys; GLM-5.2 has 78 blocks for 61; V4-Flash keeps a tenth."""
    row, key = 2 * (512 + 64), 2 * 128
    kept = {model: of("kv_cache_bytes", model) for model in ("deepseek-v3", "deepseek-v3.2", "glm-5.2")}
    assert kept["deepseek-v3.2"] == LONG * 61 * (row + key) > kept["deepseek-v3"] == LONG * 61 * row
    assert kept["glm-5.2"] == LONG * (78 * row + 21 * key) > kept["deepseek-v3.2"]
    assert 78 * row > 61 * (row + key)
    assert of("kv_cache_bytes", "deepseek-v4-flash") < 0.11 * kept["deepseek-v3"]
    assert {datasets.model(model).L_top for model in ("deepseek-v3.2", "glm-5", "glm-5.2")} == {2048}


@pytest.mark.parametrize("model", ["deepseek-v3", "gpt3-175b", "llama-4-maverick", "mimo-v2-flash"])
def test_where_all_that_is_kept_is_touched(model):
    """And one row written."""
    assert of("phi", model) == pytest.approx(1, abs=1e-4)


def test_most_is_left_unread_at_long_contexts_alone():
    for model in ("deepseek-v3.2", "glm-5.2"):
        assert of("phi", model) < 0.5 < of("phi", model, 4096)


def test_weights_of_v32_wait_on_every_chip_at_128K():
    lines = [line for line in ridge_table("deepseek-v3.2", LONG).splitlines() if line.startswith("| ")][1:]
    computing = {line.split("|")[1].strip() for line in lines if "**" in line}
    assert computing == {"index scores", "core attention"}


# -- states ----------------------------------------------------------------------------------------
def test_most_blocks_that_attend_keep_states():
    for model in ("qwen3-next-80b-a3b", "kimi-linear-48b-a3b", "minimax-m1", "nemotron-3-super"):
        attending = [kind for kind in datasets.model(model).kinds if kind.attention]
        stated = sum(kind.blocks for kind in attending if not ALL[kind.attention].cache)
        assert stated > sum(kind.blocks for kind in attending) / 2


def test_a_state_does_less_for_a_byte_than_gpt3():
    assert of("state_intensity", "qwen3-next-80b-a3b") < of("core_attention_intensity", "gpt3-175b") < 1
    state, moved = 32 * 128 * 128 * 4, 2 * (2 * 16 * 128 + 2 * 32 * 128 + 2 * 32)
    assert moved < 0.01 * 2 * state


# -- shared caches ---------------------------------------------------------------------------------
def test_borrowing_saves_capacity_and_no_bandwidth():
    """V4.1-Flash beside V4-Flash: less than half is kept, as much is touched."""
    kept, phi = (
        [of(name, model) for model in ("deepseek-v4.1-flash", "deepseek-v4-flash")]
        for name in ("kv_cache_bytes", "phi")
    )
    assert kept[0] < kept[1] / 2
    assert kept[0] * phi[0] == pytest.approx(kept[1] * phi[1], rel=0.05)


def shared_intensities() -> dict[str, float]:
    return {name: core_intensity(kind, sized(id_) if id_ else of_r1()) for name, (kind, id_) in SHARED.items()}


def test_two_latents_have_the_bytes_and_about_half_of_the_work_of_one():
    found = shared_intensities()
    assert 0.5 < found["two latents"] / found["one latent"] < 0.55


def test_no_form_of_sharing_asks_for_a_higher_ridge_point_than_one_latent():
    found = shared_intensities()
    assert max(found, key=found.get) == "one latent"
