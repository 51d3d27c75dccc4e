"""Numbers that others published, judged by the rules of the paper's ledger: each of ours by hand."""

import json

import pytest

from analysis.cli.main import run as command_line
from analysis.data import datasets
from analysis.ledger.ledger import by_verdict, ledger, of_others
from analysis.ledger.readings import DIFFERS, OPEN, REPRODUCED, UNDER_A_READING

FOUND = {finding.id: finding for finding in of_others()}
JUDGED = {name: finding for name, finding in FOUND.items() if finding.verdict != OPEN}


def experts(blocks, d, width, each, used, shared, dense, d_dense):
    """Weights of feed-forward layers [1]: all, and those that a token touches; routers counted in both."""
    router, one = d * each, 3 * d * width
    rest = blocks * (router + shared * one) + dense * 3 * d * d_dense
    return rest + blocks * each * one, rest + blocks * used * one


def grouped(d, heads, groups, size):
    """Weights of grouped-query attention in a block [1]."""
    return 2 * d * heads * size + 2 * d * groups * size


def latent(d, heads, query, cached, nope, rope, v):
    """Weights of latent attention in a block [1]."""
    return d * query + query * heads * (nope + rope) + d * (cached + rope) + cached * heads * (nope + v) + heads * v * d


def model(attention, feedforward, blocks, d, vocabulary):
    """Billions of weights: all, and those touched with head, with head and embedding, with neither; no vectors."""
    total, touched = (blocks * attention + each for each in feedforward)
    table = vocabulary * d
    return [each / 1e9 for each in (total + 2 * table, touched + table, touched + 2 * table, touched)]


# fmt: off
MODELS = {  # by sizes of the models' configuration files
    "deepseek-v3": model(latent(7168, 128, 1536, 512, 128, 64, 128),
                         experts(58, 7168, 2048, 256, 8, 1, 3, 18432), 61, 7168, 129280),
    "kimi-k2": model(latent(7168, 64, 1536, 512, 128, 64, 128),
                     experts(60, 7168, 2048, 384, 8, 1, 1, 18432), 61, 7168, 163840),
    "glm-4.5": model(grouped(5120, 96, 8, 128), experts(89, 5120, 1536, 160, 8, 1, 3, 12288), 92, 5120, 151552),
    "glm-4.5-air": model(grouped(4096, 96, 8, 128), experts(45, 4096, 1408, 128, 8, 1, 1, 10944), 46, 4096, 151552),
    "minimax-m2": model(grouped(3072, 48, 8, 128), experts(62, 3072, 1536, 256, 8, 0, 0, 0), 62, 3072, 200064),
    "qwen3-235b-a22b": model(grouped(4096, 64, 4, 128), experts(94, 4096, 1536, 128, 8, 0, 0, 0), 94, 4096, 151936),
    "qwen3-30b-a3b": model(grouped(2048, 32, 4, 128), experts(48, 2048, 768, 128, 8, 0, 0, 0), 48, 2048, 151936),
    "gpt-oss-120b": model(grouped(2880, 64, 8, 64), experts(36, 2880, 2880, 128, 4, 0, 0, 0), 36, 2880, 201088),
    "gpt-oss-20b": model(grouped(2880, 64, 8, 64), experts(24, 2880, 2880, 32, 4, 0, 0, 0), 24, 2880, 201088),
    "llama-4-maverick": model(grouped(5120, 40, 8, 128),
                              experts(24, 5120, 8192, 128, 1, 1, 24, 16384), 48, 5120, 202048),
    "llama-4-scout": model(grouped(5120, 40, 8, 128), experts(48, 5120, 8192, 16, 1, 1, 0, 0), 48, 5120, 202048),
    "mixtral-8x7b": model(grouped(4096, 32, 8, 128), experts(32, 4096, 14336, 8, 2, 0, 0, 0), 32, 4096, 32000),
    "mistral-large-3": model(latent(7168, 128, 1536, 512, 128, 64, 128),
                             experts(58, 7168, 4096, 128, 4, 1, 3, 16384), 61, 7168, 131072),
    "ling-1t": model(grouped(8192, 64, 8, 128), experts(76, 8192, 2048, 256, 8, 1, 4, 18432), 80, 8192, 157184),
}


def counted(total, touched, d=0, vocabulary=0):
    """Billions of parameters as model classes of transformers 5.24 have them, and what else may be counted."""
    table = d * vocabulary
    return [each / 1e9 for each in (total, touched, touched + table, touched - table)]


MODELS |= {
    "deepseek-v3.2": counted(671_877_944_064, 37_477_143_296),
    "deepseek-v4-flash": counted(284_332_240_471, 13_270_101_591),
    "deepseek-v4-pro": counted(1_572_997_201_763, 48_852_402_019),
    "glm-5": counted(743_911_218_432, 40_833_146_112),
    "glm-5.2": counted(743_377_019_904, 40_298_947_584),
    "kimi-linear-48b-a3b": counted(49_122_681_728, 3_106_972_544),
    "minimax-m1": counted(456_089_655_296, 47_174_113_280, 6144, 200_064),
    "minimax-m3": counted(426_174_572_928, 24_733_280_640),
    "jamba-v0.1": counted(51_570_323_328, 11_841_875_840),
}


def _kimi_k3():
    """Latent experts of 3584: three matrices each, two projections of a block; by sizes of its configuration."""
    d, n, z = 7168, 96 * 128, 3584
    delta = 3 * d * n + d * 128 + 128 * n + d * 96 + d * n + n * d + 12 * n
    full = latent(d, 96, 1536, 512, 128, 64, 128) + d * n
    expert, rest = 3 * z * 3072, d * 896 + 2 * d * z + 3 * d * 6144
    fixed = 69 * delta + 24 * full + 92 * rest + 3 * d * 33_792
    table = 163_840 * d
    return [(fixed + 2 * table + 92 * 896 * expert) / 1e9, (fixed + table + 92 * 16 * expert) / 1e9]


MODELS["kimi-k3"] = _kimi_k3()


def _deepseek_v41():
    """40 blocks with 384 experts; four of them own a stream of rows and its index, four more an index alone."""
    d, expert, table = 5120, 3 * 5120 * 2304, 129_280 * 5120
    query, out = d * 1280 + 1280 * 64 * 512, 64 * 512 * 1024 + 8 * 1024 * d
    index, pools = 1280 * 32 * 128 + d * 32, 2 * 2 * d * (512 + 128)
    mixing = 80 * 24 * 4 * d
    fixed = 40 * (query + d * 512 + out + d * 384 + expert) + 8 * index + 4 * pools + mixing
    return [(fixed + 2 * table + 40 * 384 * expert) / 1e9, (fixed + table + 40 * 6 * expert) / 1e9]


MODELS["deepseek-v4.1-flash"] = _deepseek_v41()
OTHERS = {  # by hand
    "P131": 1e9 * MODELS["kimi-k3"][0],
    "P132": 743_911_218_432 - 75 * 256,  # a bias for each expert of 75 blocks
    "P001": 512 + 4 * 512 / 128 + 2 * 64,
    "P019": (512 + 64) / (2 * 128),
    "P031": 2 * 128 * 2 * 512 / (512 * 2),  # every head scores and weighs 512 elements of 2 bytes
    "P034": 2 * 128 * 2 * 512 / (512 * 1),
    "P032": 2,  # 989 TFLOP/s over 3430 GB/s is 288 FLOP/byte; 128 heads x 2 x (576 + 512) over 2 x 576 is 242
}
# fmt: on
PLACES = {"output head counted, input embedding not": 1, "output head and input embedding counted": 2}


def by_hand(name):
    finding = JUDGED[name]
    if name in OTHERS:
        return OTHERS[name]
    place = 0 if finding.claim.quantity == "parameters" else PLACES.get(finding.reading, 3)
    return MODELS[finding.claim.model][place] / {"billion": 1, "trillion": 1000}[finding.claim.unit]


@pytest.mark.parametrize("name", JUDGED)
def test_our_number_by_hand(name):
    assert JUDGED[name].ours == pytest.approx(by_hand(name), rel=1e-3)  # vectors, and queries beside the cache
    assert JUDGED[name].test.endswith(f"test_published.py::test_our_number_by_hand[{name}]")


VERDICTS = {
    DIFFERS: {"P070", "P082", "P084", "P086", "P090", "P096", "P097", "P101", "P114", "P118", "P119", "P131"},
    UNDER_A_READING: {"P031", "P034", "P085", "P087", "P093", "P113", "P115", "P117", "P132"},
}


def test_verdicts():
    for verdict, names in VERDICTS.items():
        assert {name for name in FOUND if FOUND[name].verdict == verdict} == names
    assert by_verdict(of_others())[REPRODUCED] == len(JUDGED) - sum(map(len, VERDICTS.values()))
    assert len(JUDGED) >= 33


def test_what_is_open_says_what_the_study_lacks():
    for finding in FOUND.values():
        if finding.verdict == OPEN:
            assert finding.reason.startswith(("The study lacks ", "data/models has no row of "))
            assert finding.ours is None
    assert "index" in FOUND["P004"].reason
    assert all(not datasets.claimed(name).lacks for name in JUDGED)


def test_every_row_says_where_it_was_published():
    for row in datasets.published().values():
        assert len(row.source) > 8
        assert not {"public forum", "model card", "model name"} & {row.source}
    assert not set(FOUND) & {finding.id for finding in ledger()}


def test_zeros_at_the_end_are_no_digits():
    """230 billion fits 225 to 235, 1 trillion from 0.5 to 1.5; 671 billion fits 670.5 to 671.5."""
    printed = {name: JUDGED[name].readings[0].tests[0].other for name in ("P094", "P120", "P068", "P100")}
    steps = {name: (number.value, number.step) for name, number in printed.items()}
    assert steps == {"P094": (230, 10), "P120": (1, 1), "P068": (671, 1), "P100": (30.5, 0.1)}


def test_the_command_lists_either_ledger(capsys):
    assert command_line(["claims", "--ledger", "published", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["claim"] for row in rows] == list(datasets.published())
    assert rows[0]["source"] == "deepseek-ai/FlashMLA"
    assert command_line(["claims", "--ledger", "published"]) == 0
    text = capsys.readouterr().out
    assert f"{len(rows)} claims: " in " ".join(text.split())
    assert "printed 656; ours 656" in text
    assert command_line(["claims", "--ledger", "mine"]) == 2
    assert "paper" in capsys.readouterr().err
