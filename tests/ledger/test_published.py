"""Numbers that others published, judged by the rules of the paper's ledger: each of ours by hand."""

import json

import pytest

from analysis.cli.main import run as command_line
from analysis.data import datasets
from analysis.ledger.claims_published import JUDGES
from analysis.ledger.ledger import by_verdict, ledger, of_others
from analysis.ledger.readings import DIFFERS, ERROR, OPEN, REPRODUCED, UNDER_A_READING
from tests.made import Made

ROWS, IDS = datasets.published(), datasets.ids_of("models")
FOUND = Made(ROWS, lambda: {finding.id: finding for finding in of_others()})
AT_HAND = [name for name, row in ROWS.items() if not row.lacks and (row.quantity not in JUDGES or row.model in IDS)]
JUDGED = Made(AT_HAND, lambda: {name: finding for name, finding in FOUND.items() if finding.verdict != OPEN})


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
# Models of several kinds: elements that another program counted from the same configuration, and what no token visits.
UNVISITED = {  # blocks with experts, experts that a token leaves out, three matrices
    "deepseek-v3.2": (58 * 248 * 3 * 7168 * 2048, 129280 * 7168),
    "deepseek-v4-pro": (61 * 378 * 3 * 7168 * 3072, 129280 * 7168),
    "deepseek-v4-flash": (43 * 250 * 3 * 4096 * 2048, 129280 * 4096),
    "glm-5": (75 * 248 * 3 * 6144 * 2048, 154880 * 6144),
    "glm-5.2": (75 * 248 * 3 * 6144 * 2048, 154880 * 6144),
    "kimi-linear-48b-a3b": (26 * 248 * 3 * 2304 * 1024, 163840 * 2304),
    "minimax-m1": (80 * 30 * 3 * 6144 * 9216, 200064 * 6144),
    "minimax-m3": (57 * 124 * 3 * 6144 * 3072, 200064 * 6144),
    "jamba-v0.1": (16 * 14 * 3 * 4096 * 14336, 65536 * 4096),
}


def counted(name):
    """As `model`, from the elements of the published files."""
    total = datasets.model(name).published_exact
    unvisited, table = UNVISITED[name]
    touched = total - unvisited - 2 * table
    return [each / 1e9 for each in (total, touched + table, touched + 2 * table, touched)]


MODELS |= {name: counted(name) for name in UNVISITED}
K3_EXPERT, K3_BLOCKS, K3_STATES = 3 * 3584 * 3072, 92, 69  # experts act on half of the width
K3_REST = (
    K3_BLOCKS * (3 * 7168 * 6144 + 2 * 7168 * 3584 + 7168 * 896)  # shared experts, narrow width and back, router
    + 3 * 7168 * 33792
    + K3_STATES * 5 * 7168 * 96 * 128  # queries, keys, values, gates, outputs
    + K3_STATES * (7168 * 128 + 128 * 96 * 128 + 7168 * 96 + 4 * 3 * 96 * 128)  # decays, betas, taps
    + 24 * (latent(7168, 96, 1536, 512, 128, 64, 128) + 7168 * 96 * 128)
)
K3 = [K3_REST + K3_BLOCKS * experts_ * K3_EXPERT for experts_ in (896, 16)]
K3_TABLE = 163840 * 7168
MODELS["kimi-k3"] = [each / 1e9 for each in (K3[0] + 2 * K3_TABLE, K3[1] + K3_TABLE, K3[1] + 2 * K3_TABLE, K3[1])]


def _deepseek_v41():
    """40 blocks with 384 experts; four of them own a stream of rows and its index, four more an index alone."""
    d, expert, table = 5120, 3 * 5120 * 2304, 129_280 * 5120
    query, out = d * 1280 + 1280 * 64 * 512, 64 * 512 * 1024 + 8 * 1024 * d
    index, pools = 1280 * 32 * 128 + d * 32, 2 * 2 * d * (512 + 128)
    mixing = 80 * 24 * 4 * d
    fixed = 40 * (query + d * 512 + out + d * 384 + expert) + 8 * index + 4 * pools + mixing
    return [(fixed + 2 * table + 40 * 384 * expert) / 1e9, (fixed + table + 40 * 6 * expert) / 1e9]


MODELS["deepseek-v4.1-flash"] = _deepseek_v41()
V32_ROW, V4_CSA, V4_HCA = 61 * (656 + 132), (584 + 68) / 4, 584 / 128  # bytes that a token adds
MILLION = 10**6


def sparse_work(blocks, heads, window, picks, million, weights):
    """Operations of a token at a million: weights, index over a quarter of the rows, cores of 512 elements."""
    picking, all_rows, only = blocks
    index = picking * 2 * 64 * (128 + 1) * million / 4  # a product for each element, one more to weigh the head
    core = 4 * heads * 512 * (picking * (picks + window) + all_rows * (million / 128 + window) + only * window)
    return index, core, weights


def once(parts):
    return sum(parts)


def equivalent(index, core, weights, index_weight):
    return index * index_weight + 2 * core + weights


V32_WORK = 61 * 2 * 64 * (128 + 1) * MILLION, 61 * 2048 * 128 * 2 * (576 + 512), 2 * MODELS["deepseek-v3.2"][1] * 1e9
PRO_WORK = sparse_work((30, 31, 0), 128, 128, 1024, MILLION, 2 * MODELS["deepseek-v4-pro"][1] * 1e9)
FLASH_WORK = sparse_work((21, 20, 2), 64, 128, 512, MILLION, 2 * MODELS["deepseek-v4-flash"][1] * 1e9)
GLM_INDEX = 2 * 32 * (128 + 1) * MILLION
GLM_REST = 78 * 2048 * 64 * 2 * (576 + 512) + 2 * MODELS["glm-5.2"][1] * 1e9


def of_generation(tokens, per_row):
    """Mean operations of M1 over those of R1 in a generation: ten blocks with rows, seventy with states."""
    m1 = 2 * MODELS["minimax-m1"][1] * 1e9 + 10 * 64 * 4 * 128 * tokens / 2 + 70 * 64 * 5 * 128 * 128
    return 100 * m1 / (2 * MODELS["deepseek-v3"][1] * 1e9 + 61 * 128 * 2 * per_row * tokens / 2)


OTHERS = {  # by hand
    "P001": 512 + 4 * 512 / 128 + 2 * 64,
    "P019": (512 + 64) / (2 * 128),
    "P031": 2 * 128 * 2 * 512 / (512 * 2),  # every head scores and weighs 512 elements of 2 bytes
    "P034": 2 * 128 * 2 * 512 / (512 * 1),
    "P002": 128 + 4,
    "P004": 100 * (30 * V4_CSA + 31 * V4_HCA) / V32_ROW,
    "P005": 100 * (21 * V4_CSA + 20 * V4_HCA) / V32_ROW,
    "P006": 100 * (30 * V4_CSA + 31 * V4_HCA) / (61 * 2 * 8 * 128 * 2),
    "P013": (3 / 2 + 1) * (512 / 2 + 512 / 16 + 68),
    "P014": (3 / 2 + 1) * (512 / 2 + 512 / 16 + 68) / (21 * V4_CSA + 20 * V4_HCA),
    "P016": 75,
    "P023": 100 * equivalent(*PRO_WORK, 0.5) / equivalent(*V32_WORK, 1),
    "P024": 100 * equivalent(*FLASH_WORK, 0.5) / equivalent(*V32_WORK, 1),
    "P027": (78 * GLM_INDEX + GLM_REST) / (21 * GLM_INDEX + GLM_REST),
    "P028": of_generation(100000, 576 + 512),
    "P029": of_generation(64000, 192 + 128),
    "P067": 20 / 7,
    "P131": MODELS["kimi-k3"][0] * 1e9,
    "P132": 743911218432 - 75 * 256,
    "P017": 4 * 2 * 8 * 128 * 2 * 262144 / 1e9,  # four blocks, keys and values of 8 heads
    "P020": 4 * 128 / (2 * 4 * 128),  # one tied row for two
    # at a million tokens a head scores and weighs 128 elements of each; instead, the index scores 128 elements for each
    # of 4 groups, and the heads attend to 16 blocks of 128, of twice as many tokens when half of the context is there
    "P026": (64 * 4 * 128) / (4 * 2 * 128 + 64 * 4 * 128 * 16 * 128 / (1048576 / 2)),
    "P033": 64 * 4 * 256 / (2 * 256),
    # two queries: 128 heads x 2 x (576 + 512) FLOP at 989.4 TFLOP/s, against 576 elements of 2 bytes at 3350 GB/s
    "P035": (2 * 128 * 2 * (576 + 512) / 989.4e12) / (576 * 2 / 3350e9),
    "P036": 2 * 4 * 128 / (4 * 128 + 64),
    "P037": (1, (512 + 64) / (256 + 64)),
    "P038": (1, 2),
    "P041": 2048 * 640 / 410,
    "P044": 11.48 / 1.84,
    "P055": 3 * 2 * 3072 / 3,  # three products of 2 FLOP over each of 3072, for 3 bytes of a dimension
    "P030": 3 * 2 * 128**2 + 4 * 2 * 128 * 64 / 2,
    "P133": 61 * 576 * 2 / 1e3,
    "P134": 126 * 2 * 8 * 128 * 2 / 1e3,
    "P135": 80 * 2 * 8 * 128 * 2 / 1e3,
    # three times two for each weight touched, and for scores of 192, values of 128 over half of 4096 tokens
    "P136": 3 * (2 * MODELS["deepseek-v3"][1] + 61 * 128 * 2 * (192 + 128) * 2048.5 / 1e9),
    "P137": 3 * (2 * (126 * (grouped(16384, 128, 8, 128) + 3 * 16384 * 53248) + 128256 * 16384)
                 + 126 * 128 * 2 * 256 * 2048.5) / 1e9,
    "P138": 2 * (1 + 2) * 32 * 9 * 7000 / 50e9 * 61 * 1e3,
    "P139": 2 * (1 + 2) * 32 * 9 * 7000 / 900e9 * 61 * 1e3,
    "P140": 100 * (1 - 60 * 576 * 6 / (95 * 2 * 8 * 128 * 16)),
    "P141": 61 * 576 * 32768 / 1e9,
    "P142": 61 * 128 * 2 * 2 * 576 * 32768 / 1e9,
    "P143": 94 * 2 * 4 * 128 * 32768 / 1e9,
    "P144": 94 * 64 * 4 * 128 * 32768 / 1e9,
    "P145": 16 * 4 * 128 / (2 * 128),
    "P146": 61 * 2 * 256 * 32768 / 1e9,
    "P147": 61 * 64 * 4 * 256 * 32768 / 1e9,
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
    DIFFERS: {
        *("P027", "P028", "P030", "P070", "P082", "P084", "P086", "P090", "P096", "P097", "P101", "P114", "P118"),
        *("P119", "P131", "P137"),
    },
    UNDER_A_READING: {
        *("P013", "P014", "P016", "P020", "P023", "P024", "P026", "P031", "P034", "P037", "P038", "P085", "P087"),
        *("P093", "P113", "P115", "P117", "P132", "P142"),
    },
    ERROR: {"P044"},
}


def test_verdicts():
    for verdict, names in VERDICTS.items():
        assert {name for name in FOUND if FOUND[name].verdict == verdict} == names
    assert by_verdict(of_others())[REPRODUCED] == len(JUDGED) - sum(map(len, VERDICTS.values()))
    assert {name for name in FOUND if FOUND[name].verdict != OPEN} == {*JUDGED}
    assert len(JUDGED) >= 90
    assert len({source_of(finding) for finding in JUDGED.values()}) >= 20


def source_of(finding):
    """A source without what stands in brackets after it."""
    return finding.claim.source.partition(" (")[0]


def test_what_is_open_says_what_the_study_lacks():
    for finding in FOUND.values():
        if finding.verdict == OPEN:
            assert finding.reason.startswith(("The study lacks ", "data/models has no row of "))
            assert finding.ours is None
    assert "context" in FOUND["P050"].reason
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
