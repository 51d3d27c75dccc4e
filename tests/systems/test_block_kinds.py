"""Kinds of block: their sums are the whole model's, and their numbers are those of the published configurations."""

import pytest

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive import capacity
from analysis.derive.serving import COMMUNICATION
from analysis.systems import system
from analysis.systems.block_kinds import block_kinds
from analysis.systems.quantities import evaluate

AT = {"accelerator": "b200-paper", "link": "nvlink5-b200", "n_acc": 8, "B": 512, "L": 8192}
OF_NO_KIND = ("vectors", "embedding", "head")


def of(setting, name):
    return [float(value(getattr(each, name), setting.point)) for each in block_kinds(setting)]


def test_the_kinds_add_up_to_the_model():
    for model in sorted(datasets.models()):
        setting = Setting.of(model=model, **AT)
        terms = evaluate("tpot_terms", setting).value
        last = [time for name, time in evaluate("stage_times", setting).value.items() if name == "streams_head"]
        others = sum(terms[name] for name in (*COMMUNICATION, "output_head")) + sum(last)
        assert sum(of(setting, "time")) + others == pytest.approx(sum(terms.values()), rel=1e-12), model
        parts = capacity.weights_by_part(setting.architecture, layout=setting.layout)
        rest = sum(float(value(parts[name] / setting["n_acc"], setting.point)) for name in OF_NO_KIND)
        rest += 2 * setting.model.n_res**2 * setting.model.d_emb if last else 0  # weights of the site before the head
        held = float(value(system.weights_per_accelerator(setting), setting.point))
        assert sum(of(setting, "weights")) + rest == pytest.approx(held, rel=1e-12), model
        assert sum(of(setting, "kept")) == pytest.approx(evaluate("kv_cache_bytes", setting).value, rel=1e-12), model
        share = sum(of(setting, "touched")) / sum(of(setting, "kept"))
        assert share == pytest.approx(evaluate("phi", setting).value), model


def test_a_hybrid_by_hand():
    """Qwen3-Next: 12 blocks cache 2 heads of 256 in keys and values; 36 keep 32 states of 128 x 128 in 32 bits and
    three earlier inputs of each convolution, and read and write both. A token's row is written too."""
    setting = Setting.of(model="qwen3-next-80b-a3b", **AT)
    rows, state = 12 * 2 * 2 * 256 * 2, 36 * (32 * 128 * 128 * 4 + 3 * (2 * 16 + 32) * 128 * 2)
    assert of(setting, "blocks") == [12, 36]
    assert of(setting, "kept") == [rows * 8192, state]
    assert of(setting, "touched") == [rows * (8192 + 1), 2 * state]


def test_latent_attention_and_experts_by_hand():
    """R1 on 8 accelerators: 61 blocks of attention on each, 58 blocks with 32 of 256 experts, one shared, a router."""
    setting = Setting.of(model="deepseek-v3", **AT)
    attention = 7168 * (1536 + 512 + 64) + 128 * (1536 * (128 + 64) + 512 * 256 + 128 * 7168)
    dense, mixed = 3 * 7168 * 18432, (32 + 1) * 3 * 7168 * 2048 + 7168 * 256
    assert [each.title for each in block_kinds(setting)] == ["multi-head latent attention", "dense FFN", "experts"]
    assert of(setting, "weights") == [2 * 61 * attention, 2 * 3 * dense, 2 * 58 * mixed]
    assert of(setting, "kept") == [61 * 576 * 2 * 8192, 0, 0]


def test_kinds_of_one_title_are_counted_together():
    """DeepSeek-V4-Flash lists one block that picks compressed rows apart from twenty that differ in a bias alone."""
    setting = Setting.of(model="deepseek-v4-flash", **AT)
    titles = [each.title for each in block_kinds(setting)]
    assert len(titles) == len(set(titles)) == 3
    assert of(setting, "blocks") == [21, 20, 2]
