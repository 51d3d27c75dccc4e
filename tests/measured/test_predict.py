"""Predictions of measured rows against arithmetic written out by hand, and what follows from the model's own shape."""

import numpy as np
import pytest

from analysis.derive.symbols import BW_mem, P_acc
from analysis.files.errors import InputError
from analysis.measured.judging import report
from analysis.measured.kernel_files import as_table, published
from analysis.measured.predict import kinds, own_roofs, predict
from analysis.measured.regimes import beats_datasheet, judges_bandwidth, regimes
from analysis.measured.validate import compare, groups, operation_words, worst

H100 = {"flop": 989.4e12, "byte": 3350e9}
COMMON = {
    "accelerator": "h100-sxm5",
    "precision": "bf16",
    "grouping": "fused",
    "causal": 1.0,
    "latency": 1e-3,
    "kernel": "k",
    "source": "s",
    "locator": "l",
    "licence": "none",
    "note": "",
}
MLA = {
    "operation": "core_attention",
    "mechanism": "MLA",
    "order": "reordered",
    "d_KVco": 512,
    "d_nope": 128,
    "d_RoPE": 64,
    "d_v": 128,
}


def one(**record):
    return predict(as_table([COMMON | record]))


def test_gqa_decode_by_hand():
    found = one(operation="core_attention", mechanism="GQA", B=8, L=4096, l=1, n_hd=32, n_kv=8, d_hd=128)
    flop = 2 * 2 * 8 * 32 * 4096 * 128
    size = 2 * (2 * 8 * 4096 * 8 * 128 + 2 * 8 * 32 * 128)  # keys and values, query and result
    assert (found.flops[0], found.bytes[0]) == (flop, size)
    assert found.time[0] == pytest.approx(size / H100["byte"])


def test_reordered_mla_decode_by_hand():
    found = one(**MLA, B=2, L=1024, l=1, n_hd=128)
    flop = 2 * 2 * 128 * 1024 * (512 + 64 + 512)
    size = 2 * (2 * 1024 * 576 + 2 * 128 * (512 + 64) + 2 * 128 * 512)
    assert (found.flops[0], found.bytes[0]) == (flop, size)
    assert found.time[0] == pytest.approx(max(flop / H100["flop"], size / H100["byte"]))


def test_printed_order_reads_a_key_of_192_per_head():
    found = one(**MLA | {"order": "as_printed"}, B=1, L=512, l=512, n_hd=16)
    assert found.flops[0] == 2 * 16 * 512 * 512 * (192 + 128)
    assert found.bytes[0] == 2 * 16 * 512 * (2 * 192 + 2 * 128)


def test_an_fp8_cache_halves_the_cache_alone():
    wide, narrow = one(**MLA, B=2, L=1024, l=1, n_hd=16), one(**MLA, B=2, L=1024, l=1, n_hd=16, width_kv=1)
    assert wide.bytes[0] - narrow.bytes[0] == 2 * 1024 * 576


@pytest.mark.parametrize(("tokens", "reached", "each"), [(1, 1, 1), (16, 16, 1), (32, 32, 1), (256, 32, 8)])
def test_balanced_experts_by_hand(tokens, reached, each):
    """256 experts, 8 per token, on 8 accelerators: `tokens` copies arrive at each, dealt to its 32 experts."""
    found = one(
        operation="experts", tokens=tokens, d_emb=7168, d_MoE=2048, n_e=256, n_k=8, deg_EP=8, routing="balanced"
    )
    assert found.flops[0] == 2 * 3 * 7168 * 2048 * reached * each
    assert found.bytes[0] == 2 * (3 * 7168 * 2048 * reached + 2 * 7168 * reached * each)


def test_uniform_routing_reaches_fewer_experts_than_balanced():
    shape = {"operation": "experts", "tokens": 32, "d_emb": 64, "d_MoE": 64, "n_e": 32, "n_k": 1, "deg_EP": 1}
    uniform, balanced = one(**shape, routing="uniform"), one(**shape, routing="balanced")
    assert uniform.flops[0] == pytest.approx(balanced.flops[0])
    expected = 32 * (1 - (31 / 32) ** 32)
    assert (uniform.bytes[0] - 2 * 2 * 64 * 32) / (2 * 3 * 64 * 64) == pytest.approx(expected)


def test_exchange_on_one_and_two_levels_by_hand():
    shape = {
        "operation": "dispatch",
        "tokens": 32 * 128,
        "d_emb": 7168,
        "n_e": 256,
        "n_k": 8,
        "deg_EP": 32,
        "link": "nvlink4-h100",
    }
    size = 128 * 8 * 7168 * 2
    assert one(**shape).wire[0] == pytest.approx(size / 450e9)
    two = one(**shape, link_between="ib-ndr", group=8).wire[0]
    assert two == pytest.approx(max(size * 8 / 32 / 450e9, size * 24 / 32 / 50e9))
    assert one(**shape | {"precision": "fp8"}).wire_bytes[0] == size / 2


def test_an_all_reduce_travels_twice_round_the_ring():
    found = one(operation="all_reduce", bytes=8 << 20, deg_TP=4, link="nvlink4-h100")
    assert found.wire_bytes[0] == 2 * 3 / 4 * (8 << 20)
    assert found.wire[0] == found.time[0] == pytest.approx(1.5 * (8 << 20) / 450e9)


def test_a_matrix_product_by_hand():
    found = one(operation="gemm", tokens=100, d_emb=300, d_FFN=200)
    assert found.flops[0] == 2 * 100 * 200 * 300
    assert found.bytes[0] == 2 * (100 * 300 + 300 * 200 + 100 * 200)


def test_rows_are_predicted_alone_as_among_others():
    table = published()
    together = predict(table)
    for row in (0, 150, 260, 300, 420, 480):
        alone = predict(table.slice(row, 1))
        for name in ("flops", "bytes", "wire", "time"):
            assert getattr(alone, name)[0] == pytest.approx(getattr(together, name)[row])


def test_kinds_part_the_rows():
    parts = [part for _, part in kinds(published())]
    assert sorted(np.concatenate(parts)) == list(range(len(published())))


def test_time_never_falls_with_batch_context_or_heads():
    """Random steps, each beside those of twice its batch, context and heads."""
    rng = np.random.default_rng(3)
    steps = [{"B": int(2 ** rng.uniform(0, 9)), "L": int(2 ** rng.uniform(0, 17))} for _ in range(200)]
    steps = [each | {"l": 1, "n_hd": heads} for each in steps for heads in (16, 64)]
    more = [
        each | {name: each[name] * times}
        for each in steps
        for name, times in (("l", 1), ("B", 2), ("L", 2), ("n_hd", 2))
    ]
    time = predict(as_table([COMMON | MLA | each for each in more])).time.reshape(len(steps), 4)
    assert (time[:, 1:] >= time[:, :1]).all()


def test_unknown_devices_are_refused():
    with pytest.raises(InputError, match="accelerator=h101"):
        predict(as_table([COMMON | MLA | {"B": 1, "L": 1, "l": 1, "n_hd": 1, "accelerator": "h101"}]))
    with pytest.raises(InputError, match="precision=fp32"):
        one(**MLA | {"precision": "fp32"}, B=1, L=1, l=1, n_hd=1)


def test_a_machine_without_data_sheet_takes_the_roofs_that_it_measured():
    mine = COMMON | {"accelerator": "a-laptop", "precision": "fp32"}
    rows = [
        mine | {"operation": "gemm", "tokens": 1000, "d_emb": 1000, "d_FFN": 1000, "latency": 0.01},
        mine | {"operation": "read", "bytes": 10**9, "latency": 0.1},
    ]
    roofs = own_roofs(as_table(rows))
    assert roofs == {"a-laptop": {P_acc: pytest.approx(2e11), BW_mem: pytest.approx(1e10)}}
    assert predict(as_table(rows), roofs).time == pytest.approx([0.01, 0.1])


# -- regimes and statistics ----------------------------------------------------------------------------------------
def test_regimes_follow_from_the_prediction():
    gqa = COMMON | {"operation": "core_attention", "mechanism": "GQA", "l": 1, "n_hd": 32, "n_kv": 8, "d_hd": 128}
    rows = [
        gqa | {"B": 1, "L": 128},
        gqa | {"B": 128, "L": 8192},
        COMMON | MLA | {"B": 64, "L": 8192, "l": 1, "n_hd": 128},
        COMMON | MLA | {"B": 64, "L": 8192, "l": 64, "n_hd": 128},
    ]
    table = as_table(rows)
    found = predict(table)
    assert list(regimes(table, found)) == ["launch-bound", "memory-bound", "near the ridge", "compute-bound"]
    assert list(judges_bandwidth(found)) == [False, True, True, True]


def test_no_shipped_row_beats_its_data_sheet():
    table = published()
    assert not beats_datasheet(table, predict(table)).any()


def test_groups_count_every_row_once_and_agree_with_plain_statistics():
    compared = compare()
    found = groups(compared)
    assert sum(group.count for group in found if group.regime == "all") == len(compared.table)
    assert sum(group.count for group in found if group.regime != "all") == len(compared.table)
    one_group = next(g for g in found if (g.operation, g.accelerator, g.regime) == ("GQA decode", "h100-sxm5", "all"))
    chosen = [
        r
        for r, o, a in zip(compared.ratio, compared.operation, compared.accelerator, strict=True)
        if (o, a) == ("GQA decode", "h100-sxm5")
    ]
    assert one_group.median == pytest.approx(np.median(chosen))
    assert one_group.within["25%"] == pytest.approx(np.mean([abs(r - 1) <= 0.25 for r in chosen]))


def test_worst_rows_are_the_furthest_that_are_not_launch_bound():
    compared = compare()
    found = worst(compared, 3)
    others = compared.ratio[compared.regime != "launch-bound"]
    assert [row["ratio"] for row in found] == sorted(others, reverse=True)[:3]
    assert all(row["measured"] / row["predicted"] == pytest.approx(row["ratio"]) for row in found)


def test_operations_in_words_tell_decode_from_prefill():
    assert set(operation_words(published())) >= {
        "MLA decode, with reordering",
        "MLA prefill, without reordering",
        "GQA decode",
        "experts",
        "dispatch, between nodes",
    }


def test_report_is_ready_for_json():
    import json

    found = json.loads(json.dumps(report([compare()]), allow_nan=False))
    assert found["rows"] == 481
    assert found["faster than the data sheet"] == 0
