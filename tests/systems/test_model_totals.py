"""Every model's sizes against its published totals: all tensors of a checkpoint written out longhand."""

import pytest

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import capacity
from analysis.derive.symbols import B
from analysis.systems.quantities import evaluate

MODELS = datasets.models()
ALIKE = ("MHA", "GQA", "MLA", "MLA_direct")  # mechanisms whose matrices are written out below


def alike(row):
    """Whether all blocks have one of these mechanisms in one shape."""
    plain = not any(kind.sizes or kind.vectors for kind in row.kinds)
    return plain and {kind.attention for kind in row.kinds} <= set(ALIKE) and len({*map(_mechanism, row.kinds)}) == 1


def _mechanism(kind):
    return kind.attention


def attention_tensors(row):
    """Shapes of one attention block's matrices, as a checkpoint stores them."""
    if row.attention in ("MHA", "GQA"):
        query, key = row.n_hd * row.d_hd, row.n_kv * row.d_hd
        return [(row.d_emb, query), (row.d_emb, key), (row.d_emb, key), (query, row.d_emb)]
    assert row.attention in ALIKE, "write out the matrices of this mechanism here"
    query = row.n_hd * (row.d_nope + row.d_RoPE)
    queries = [(row.d_emb, query)] if row.d_Qco is None else [(row.d_emb, row.d_Qco), (row.d_Qco, query)]
    return [
        *queries,
        (row.d_emb, row.d_KVco + row.d_RoPE),
        (row.d_KVco, row.n_hd * (row.d_nope + row.d_v)),
        (row.n_hd * row.d_v, row.d_emb),
    ]


def feedforward_tensors(row, width, copies=1):
    """Shapes of `copies` feed-forward layers of this width."""
    matrices = {"gated": 3, "plain": 2}[row.ffn]
    return [(row.d_emb, width)] * matrices * copies


def vector_lengths(row, layer):
    """Lengths of the norm and bias vectors of one block."""
    has_experts = layer >= row.n_dec - row.n_moe  # which blocks have experts does not change the sum
    lengths = {
        "norms": [row.d_emb, row.d_emb],
        "norm_biases": [row.d_emb, row.d_emb],
        "post_norms": [row.d_emb, row.d_emb],
        "latent_norms": [row.d_Qco, row.d_KVco],
        "latent_norm_kv": [row.d_KVco],
        "qk_norm": [row.d_hd, row.d_hd],
        "qk_norm_wide": [row.n_hd * row.d_hd, row.n_kv * row.d_hd] if row.n_kv else [],
        "qkv_bias": [row.n_hd * row.d_hd, row.n_kv * row.d_hd, row.n_kv * row.d_hd] if row.n_kv else [],
        "out_bias": [row.d_emb],
        "ffn_bias": [] if has_experts else [row.d_FFN, row.d_emb],
        "router_bias": [row.n_e] if has_experts else [],
        "expert_bias": [row.d_MoE, row.d_MoE, row.d_emb] * row.n_e if has_experts else [],
        "shared_gate": [row.d_emb] if has_experts else [],
        "sinks": [row.n_hd],
    }
    return [length for group in row.vectors for length in lengths[group]]


def counted_total(row):
    """Elements of the text decoder: matrices and vectors of every block, embeddings, final norm, head."""
    total = 0
    for layer in range(row.n_dec):
        shapes = attention_tensors(row)
        if layer < row.n_dec - row.n_moe:
            shapes += feedforward_tensors(row, row.d_FFN)
        else:
            shapes += [(row.d_emb, row.n_e), *feedforward_tensors(row, row.d_MoE, copies=row.n_e)]
            shapes += feedforward_tensors(row, row.d_shared)
        total += sum(rows * columns for rows, columns in shapes) + sum(vector_lengths(row, layer))
    tables = [row.n_vocab, row.n_ctx] if row.tied else [row.n_vocab, row.n_vocab, row.n_ctx]
    final_norm = row.d_emb * (2 if "norm_biases" in row.vectors else 1)
    return total + sum(tables) * row.d_emb + final_norm


def test_sizes_give_the_exact_element_count():
    """Counted by others from the same configuration, class by class, or read off a checkpoint."""
    for name in [name for name, row in MODELS.items() if row.published_exact]:
        row = MODELS[name]
        assert evaluate("parameters", model=name).value == row.published_exact, name
        if alike(row):
            assert counted_total(row) == row.published_exact, name


def test_printed_total_agrees_or_has_a_named_cause():
    for name in [name for name, row in MODELS.items() if row.published_total]:
        row = MODELS[name]
        total = counted_total(row) if alike(row) else evaluate("parameters", model=name).value
        assert row.published_total.agrees_with(total) != bool(row.total_cause), name


def test_a_row_without_a_printed_total_is_an_assumed_one():
    bare = [row for row in MODELS.values() if not (row.published_total or row.published_exact)]
    assert {row.id for row in bare if row.known != "assumed"} <= {"step-3.7-flash"}  # counted with another vocabulary
    step = {"id": "step-3.7-flash", "fewer": 2 * 81 * 4096}
    assert evaluate("parameters", model=step["id"]).value - step["fewer"] == 195_843_845_184


def test_gpt3_by_hand():
    blocks = 96 * (4 * 12288**2 + 2 * 12288 * 49152 + 2 * 12288 + 2 * 12288 + 4 * 12288 + 49152 + 12288)
    assert counted_total(MODELS["gpt3-175b"]) == blocks + (50257 + 2048) * 12288 + 2 * 12288 == 174_604_259_328


@pytest.mark.parametrize("model", MODELS)
def test_the_largest_batch_of_every_model_asks_for_no_batch(model):
    """What does not grow with the batch, as a decay for each head, is not held for each request."""
    setting = Setting.of(model=model)
    assert B not in capacity.B_cap(setting.architecture, setting.conventions).free_symbols
