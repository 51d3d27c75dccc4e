"""Published configuration files: elements and cached bytes as their classes count them, kinds of block by hand."""

import json
import shutil
import time

import pytest
import yaml

from analysis.data import datasets
from analysis.data.model_row import SERVED_WIDTHS
from analysis.files.errors import InputError
from analysis.huggingface import row_text
from analysis.huggingface.model_files import import_folder
from analysis.huggingface.summary import totals
from tests.huggingface.configurations import COUNTS, FILES, FOLDER
from tests.reader.broken import run

MODELS = frozenset(datasets.ids_of("models"))
COUNTED_APART = {  # total, active: elements by which a count differs from the file, and why
    "step-3.7-flash": (2 * 81 * 4096, 81 * 4096),  # counted with 128,815 vocabulary entries, not 128,896
    "gpt2": (0, -1024 * 768),  # counted learned positions as active; here they are part of the input embedding
}


def test_every_file_has_a_count():
    assert set(COUNTS) == set(FILES)
    assert {name for name, row in COUNTS.items() if not row["total"]} == {"deepseek-v4.1-flash", "kimi-k3"}


def test_elements_and_cached_bytes_of_a_published_file(imported, written):
    for name in FILES:
        found = imported(FILES[name])
        counted, said = totals(found), COUNTS[name]
        total, active, *_ = counted.values()
        apart = COUNTED_APART.get(name, (0, 0))
        if said["total"]:
            assert (total, active) == (int(said["total"]) + apart[0], int(said["active"]) + apart[1]), name
        if said["cached"]:
            assert _cached(counted)[0] == int(said["cached"]), name
        assert datasets.model(written("mine.yml", yaml.safe_load(row_text(found)))) == found.row, name
        assert sum(kind.blocks for kind in found.row.kinds) == len(found.blocks), name


def _cached(counted):
    return [value for key, value in counted.items() if key.startswith("KV bytes per token")]


def test_the_elements_of_kimi_k3_as_the_published_tensors_hold_them(imported):
    """2,779,931,837,184 elements with the vision tower, which has 0.4 to 0.5 billion; 104 billion are active."""
    total, active, *_ = totals(imported(FILES["kimi-k3"])).values()
    assert 4.0e8 < 2_779_931_837_184 - total < 5.0e8
    assert round(active / 1e9) == 104


KINDS = {  # by hand from reports and cards: blocks, attention, window, feed-forward half
    "qwen3-next-80b-a3b": [(12, "GQA_gated", None, "experts"), (36, "GDN", None, "experts")],
    "qwen3.5-27b": [(16, "GQA_gated", None, "dense"), (48, "GDN", None, "dense")],
    "kimi-linear-48b-a3b": [
        (7, "MLA_direct", None, "experts"),
        (1, "KDA", None, "dense"),
        (19, "KDA", None, "experts"),
    ],
    "kimi-k3": [
        (24, "MLA_gated", None, "experts"),
        (1, "KDA_gated", None, "dense"),
        (68, "KDA_gated", None, "experts"),
    ],
    "nemotron-3-nano": [(6, "GQA", None, None), (23, "Mamba2", None, None), (23, None, None, "experts")],
    "nemotron-h-56b": [(10, "GQA", None, None), (54, "Mamba2", None, None), (54, None, None, "dense")],
    "jamba-v0.1": [(4, "GQA", None, "dense"), (12, "Mamba", None, "dense"), (16, "Mamba", None, "experts")],
    "minimax-m1": [(10, "GQA", None, "experts"), (70, "Lightning", None, "experts")],
    "minimax-m3": [(3, "GQA", None, "dense"), (57, "MSA", None, "experts")],
    "deepseek-v3.2": [(3, "DSA", None, "dense"), (58, "DSA", None, "experts")],
    "glm-5": [(3, "DSA", None, "dense"), (75, "DSA", None, "experts")],
    "glm-5.2": [(3, "DSA", None, "dense"), (18, "DSA", None, "experts"), (57, "DSA_shared", None, "experts")],
    "gemma-4-31b-it-nvfp4": [(10, "GQA_one", None, "dense"), (50, "GQA", "sliding", "dense")],
    "gpt-oss-120b": [(18, "GQA", None, "experts"), (18, "GQA", "sliding", "experts")],
    "llama-4-scout-fp8-dynamic": [(12, "GQA", None, "experts"), (36, "GQA", "chunked", "experts")],
    "mimo-v2-flash": [
        (1, "GQA_values", None, "dense"),
        (8, "GQA_values", None, "experts"),
        (39, "GQA_values", "sliding", "experts"),
    ],
    "step-3.7-flash": [
        (1, "GQA_head_gated", None, "dense"),
        (11, "GQA_head_gated", None, "experts"),
        (2, "GQA_head_gated", "sliding", "dense"),
        (31, "GQA_head_gated", "sliding", "experts"),
    ],
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_block_by_hand(imported, name):
    found = imported(FILES[name]).row.kinds
    assert [(kind.blocks, kind.attention, kind.window, kind.feedforward) for kind in found] == KINDS[name]


def test_the_kinds_of_deepseek_v4(imported):
    """Its list of strides has an entry for the drafting block; a table chooses the experts of three blocks."""
    for name in ("deepseek-v4-flash", "deepseek-v4-flash-fp8-ref"):
        found = imported(FILES[name]).row
        assert [(kind.blocks, kind.attention, "router_bias" in kind.vectors) for kind in found.kinds] == [
            (1, "CSA", False),
            (20, "HCA", True),
            (20, "CSA", True),
            (2, "SWA", False),
        ]
        assert (found.n_dec, found.L_win, found.L_top, found.n_res) == (43, 128, 512, 4)


def test_deepseek_v4_1_by_what_its_report_prints(imported):
    """552 billion elements, 16 of them active, 8 for a token of a prompt: later blocks work on its end only."""
    found = imported(FILES["deepseek-v4.1-flash"])
    total, active, *_ = totals(found).values()
    assert (round(total / 1e9), round(active / 1e9)) == (552, 16)
    ends = sum(kind.blocks for kind in found.row.kinds if kind.queries == 128)
    assert ends == 19
    assert round(active / 1e9 * (40 - ends) / 40) == 8
    shared = [(kind.blocks, kind.attention) for kind in found.row.kinds]
    assert shared == [(3, "CSA"), (1, "CSA"), (2, "SWA"), (15, "CSA_shared"), (15, "CSA_shared"), (4, "CSA_indexed")]
    assert totals(found)["KV bytes per 2 tokens beyond"] == (3 * 1 + 1 * 2) * (512 + 128) * 2
    assert "n-gram tables" in found.row.omits
    assert [kind.name for kind in found.row.kinds[:2]] == ["CSA L_str 2", "CSA L_str 1"]
    ours = datasets.model("deepseek-v4.1-flash")
    assert (ours.sizes, ours.kinds, ours.vectors) == (found.row.sizes, found.row.kinds, found.row.vectors)


def test_every_block_may_own_its_stream(imported):
    """Then each of 38 blocks stores rows and index keys, as in DeepSeek-V4, and none skips a prompt."""
    every = {f"text_config.{key}": list(range(2, 40)) for key in ("kv_source_layer_ids", "index_source_layer_ids")}
    found = imported(changed("deepseek-v4.1-flash", every))
    assert [(kind.blocks, kind.attention, kind.queries) for kind in found.row.kinds] == [
        (18, "CSA", None),
        (20, "CSA", None),
        (2, "SWA", None),
    ]
    assert totals(found)["KV bytes per 2 tokens beyond"] == (18 * 1 + 20 * 2) * (512 + 128) * 2


CACHED = {  # by hand, two bytes an element: of the first token, and of one more of a long context
    "gemma-4-31b-it-nvfp4": (10 * 2 * 4 * 512 * 2 + 50 * 2 * 16 * 256 * 2, 10 * 2 * 4 * 512 * 2),
    "gpt-oss-20b": (24 * 2 * 8 * 64 * 2, 12 * 2 * 8 * 64 * 2),
    "llama-4-scout-fp8-dynamic": (48 * 2 * 8 * 128 * 2, 12 * 2 * 8 * 128 * 2),
    "mimo-v2-flash": (9 * 4 * 320 * 2 + 39 * 8 * 320 * 2, 9 * 4 * 320 * 2),
    "step-3.7-flash": (45 * 2 * 8 * 128 * 2, 12 * 2 * 8 * 128 * 2),
    "minimax-m3": (60 * 2 * 4 * 128 * 2 + 57 * 128 * 2,) * 2,
    "deepseek-v3.2": (61 * (512 + 64 + 128) * 2,) * 2,
    "glm-5": (78 * (512 + 64 + 128) * 2,) * 2,
    "glm-5.2": (78 * (512 + 64) * 2 + 21 * 128 * 2,) * 2,
}
STATES = {  # by hand, states at four bytes, the last inputs of short convolutions at two
    "qwen3-next-80b-a3b": 36 * (32 * 128 * 128 * 4 + 3 * (2 * 16 * 128 + 32 * 128) * 2),
    "kimi-k3": 69 * (96 * 128 * 128 * 4 + 3 * 3 * 96 * 128 * 2),
    "minimax-m1": 70 * 64 * 128 * 128 * 4,
    "nemotron-3-nano": 23 * (64 * 64 * 128 * 4 + 3 * (64 * 64 + 2 * 8 * 128) * 2),
    "jamba-v0.1": 28 * (8192 * 16 * 4 + 3 * 8192 * 2),
}


@pytest.mark.parametrize("name", CACHED)
def test_cached_bytes_by_hand(imported, name):
    told = _cached(totals(imported(FILES[name])))
    assert (told[0], told[-1]) == CACHED[name]


@pytest.mark.parametrize("name", STATES)
def test_states_by_hand(imported, name):
    assert totals(imported(FILES[name]))["state bytes of a request"] == STATES[name]


def test_what_a_long_context_adds_to_deepseek_v4(imported):
    """Of 128 tokens 21 blocks keep 32 rows of 512 and as many index keys of 128, and 20 blocks one row."""
    told = totals(imported(FILES["deepseek-v4-flash"]))
    assert told["KV bytes per 128 tokens beyond"] == (21 * 32 * (512 + 128) + 20 * 512) * 2
    window = 43 * 128 * 512 * 2
    assert told["KV bytes per 128 tokens up to L = 128"] == told["KV bytes per 128 tokens beyond"] + window


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("deepseek-v4-flash", (1, 0.53125, None)),
        ("glm-5.2-nvfp4", (None, 0.5625, 1)),
        ("kimi-k2.5", (None, 0.5625, None)),
        ("kimi-k3", (None, 0.53125, None)),
        ("qwen3.6-35b-a3b-nvfp4", (1, 0.5625, None)),
        ("qwen2.5-7b-instruct-awq", (0.5 + 2.5 / 128, None, None)),
        ("gemma-4-31b-it-nvfp4", (0.5625, None, 1)),
    ],
)
def test_widths_as_published(imported, name, widths):
    row = imported(FILES[name]).row
    assert (row.width_weights, row.width_experts, row.width_kv) == widths


def test_a_row_is_what_its_published_file_imports_as(imported):
    ours = {"kimi-k2-instruct": "kimi-k2"} | {name: name for name in FILES}
    both = [(datasets.model(row), imported(FILES[name]).row) for name, row in sorted(ours.items()) if row in MODELS]
    assert len(both) >= 34
    for row, read in both:
        for column in (*SERVED_WIDTHS, "kinds", "sizes", "tied", "ffn", "context_max"):
            assert getattr(row, column) == getattr(read, column), (row.id, column)
        assert set(row.vectors) == set(read.vectors)


# -- two spellings of one list, and lists that are wrong ------------------------------------------
def test_words_say_what_letters_say(imported):
    config = FILES["nemotron-3-nano"]
    words = {"M": "mamba", "*": "attention", "E": "moe"}
    spelled = {key: each for key, each in config.items() if key not in ("hybrid_override_pattern", "num_hidden_layers")}
    spelled["layers_block_type"] = [words[letter] for letter in config["hybrid_override_pattern"]]
    assert imported(spelled).row.kinds == imported(config).row.kinds


def test_layer_types_say_what_an_interval_says(imported):
    config, kinds = FILES["qwen3-next-80b-a3b"], ["linear_attention"] * 3 + ["full_attention"]
    assert imported(config, layer_types=kinds * 12).blocks == imported(config).blocks
    assert imported(config, full_attention_interval=3).row.kinds[0].blocks == 16


def test_an_older_file_without_the_list_of_indexers_has_one_in_every_block(imported):
    older = {key: each for key, each in FILES["glm-5.2"].items() if key != "indexer_types"}
    assert {kind.attention for kind in imported(older).row.kinds} == {"DSA"}


def test_two_kinds_of_blocks_may_have_no_attention_or_no_feed_forward_half(imported):
    """Nemotron-Super: 31 of 80 blocks have no attention, as counted in its block_configs."""
    entries = FILES["llama-3.3-nemotron-super-49b-v1"]["block_configs"]
    found = imported(FILES["llama-3.3-nemotron-super-49b-v1"]).row
    assert sum(kind.blocks for kind in found.attending) == sum(not e["attention"]["no_op"] for e in entries) == 49
    assert {kind.sizes["d_FFN"] for kind in found.kinds if kind.sizes.get("d_FFN")} >= {14336, 28672}


def changed(name, changes):
    """A file with some keys replaced, those of a mapping inside by a dotted name."""
    config = json.loads(json.dumps(FILES[name]))
    for key, value in changes.items():
        outer, _, inner = key.partition(".")
        (config[outer] if inner else config)[inner or outer] = value
    return config


def _lists(numbers, key="kda_layers"):
    return {f"linear_attn_config.{key}": numbers}


def _streams(**keys):
    return {f"text_config.{key}": value for key, value in keys.items()}


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("qwen3-next-80b-a3b", {"layer_types": ["odd_attention"] * 48}, "found 'odd_attention', allowed are full_att"),
        ("qwen3-next-80b-a3b", {"layer_types": ["linear_attention"] * 10**5}, "allowed is a list of 48 entries"),
        ("qwen3-next-80b-a3b", {"layer_types": ["linear_attention"] * 47}, "allowed is a list of 48 entries"),
        ("qwen3-next-80b-a3b", {"full_attention_interval": 0}, "full_attention_interval: found 0"),
        ("qwen3-next-80b-a3b", {"num_hidden_layers": 10**5}, "found 100000 blocks, allowed are at most 10000"),
        ("qwen3-next-80b-a3b", {"attn_output_gate": False}, "attn_output_gate: found False, allowed is true"),
        ("qwen3-next-80b-a3b", {"linear_num_key_heads": 7}, "n_qk: found 7, allowed is a divisor of n_v"),
        ("kimi-linear-48b-a3b", _lists([1, 2, 3]), "found 3 and 7 block numbers, allowed are lists that hold each"),
        ("kimi-linear-48b-a3b", _lists([0] * 20), "found 20 and 7 block numbers, allowed are lists that hold each"),
        ("kimi-linear-48b-a3b", _lists([99] * 20), "found 99, allowed is a whole number from 0 to 27"),
        ("kimi-linear-48b-a3b", _lists(None), "found 0 and 7 block numbers"),
        ("nemotron-3-nano", {"hybrid_override_pattern": "M*"}, "found 'M[*]', allowed are 52 letters, one per block"),
        ("nemotron-3-nano", {"hybrid_override_pattern": "X" * 52}, "each of M, [*], -, E"),
        ("nemotron-3-nano", {"hybrid_override_pattern": ["M"] * 52}, "allowed are 52 letters"),
        ("nemotron-3-nano", {"hybrid_override_pattern": "E" * 52}, "found no block with attention"),
        ("deepseek-v4-flash", {"compress_ratios": [0, 0, 3] * 15}, "found 3, allowed are 0, 4, 128"),
        ("deepseek-v4-flash", {"compress_ratios": None}, "found no key compress_ratios"),
        ("deepseek-v4-flash", {"compress_ratios": [4] * 40}, "allowed is a list of 43 entries"),
        ("deepseek-v4-flash", {"index_topk": 262145}, "found 1048580 tokens that a query picks beside a longest"),
        ("deepseek-v3.2", {"index_topk": 163841}, "found 163841 tokens that a query picks beside a longest context of"),
        ("deepseek-v3.2", {"index_topk": 0}, "index_topk: found 0"),
        ("minimax-m3", {"sparse_attention_config.sparse_topk_blocks": 10**5}, "found 12800000 tokens that a query"),
        ("minimax-m3", {"sparse_attention_config.sparse_num_index_heads": 8}, "found 8, allowed is 4"),
        ("minimax-m3", {"sparse_attention_config.sparse_attention_freq": [2] * 60}, "found 2, allowed are 0, 1"),
        ("glm-5.2", {"indexer_types": ["shared"] * 78}, "found shared in the first block"),
        ("glm-5.2", {"indexer_types": ["half"] * 78}, "found 'half', allowed are full, shared"),
        ("minimax-m2.5", {"attn_type_list": [0] * 62}, "found 62 blocks of linear attention, allowed are full"),
        ("deepseek-v4.1-flash", _streams(kv_source_layer_ids=[8, 14, 20]), "found 2 in block 2, allowed are 0 and the"),
        ("deepseek-v4.1-flash", _streams(compress_ratios=[4] * 40), "found 4 in block 0, allowed are 0 and the stride"),
        (
            "deepseek-v4.1-flash",
            _streams(compress_ratios=[-1] * 40),
            "found -1, allowed is a whole number from 0 to 4096",
        ),
        ("deepseek-v4.1-flash", _streams(index_source_layer_ids=[2, 8, 14]), "which block 20 contradicts"),
        ("deepseek-v4.1-flash", _streams(index_source_layer_ids=[0, 2, 8, 14, 20]), "which block 0 contradicts"),
        ("deepseek-v4.1-flash", _streams(kv_source_layer_ids=None), "found no key kv_source_layer_ids"),
        ("deepseek-v4.1-flash", _streams(kv_source_layer_ids=[40]), "found 40, allowed is a whole number from 0 to 39"),
        ("mimo-v2-flash", {"hybrid_layer_pattern": [0] * 5}, "allowed is a list of 48 entries"),
        ("jamba-v0.1", {"attn_layer_period": 0}, "attn_layer_period: found 0"),
        ("llama-3.3-nemotron-super-49b-v1", {"block_configs": []}, "allowed is a list of 80 entries"),
        ("llama-3.3-nemotron-super-49b-v1", {"block_configs": [{}] * 80}, "each with attention and ffn"),
        (
            "llama-3.3-nemotron-super-49b-v1",
            {"block_configs": [{"attention": {"n_heads_in_group": 7}, "ffn": {"no_op": True}}] * 80},
            "found n_heads_in_group 7, allowed is a divisor of num_attention_heads",
        ),
        (
            "llama-3.3-nemotron-super-49b-v1",
            {"block_configs": [{"attention": {"replace_with_linear": True}, "ffn": {"no_op": True}}] * 80},
            "found attention with .replace_with_linear",
        ),
        (
            "llama-3.3-nemotron-super-49b-v1",
            {"block_configs": [{"attention": {"no_op": True}, "ffn": {"ffn_mult": "2"}}] * 80},
            "found ffn_mult .2., allowed is a number above 0",
        ),
    ],
)
def test_lists_and_counts_that_do_not_hold_are_refused_in_one_sentence(imported, name, changes, said):
    with pytest.raises(InputError, match=said) as failure:
        imported(changed(name, changes))
    assert "\n" not in str(failure.value)
    assert len(str(failure.value)) < 2500


# -- a folder of configurations -------------------------------------------------------------------
def test_a_folder_in_one_call(tmp_path, capsys):
    """Every file its row; what was refused is told by reason, and is the exit code unless part of them is enough."""
    shutil.copytree(FOLDER, tmp_path / "files")
    (tmp_path / "files" / "xlstm.json").write_text(json.dumps({"model_type": "mamba2"}))
    call = ("analysis", "import-model", tmp_path / "files", "-o", tmp_path / "rows")
    assert run(*call) == 2
    out, err = capsys.readouterr()
    assert out.count("\n") == len(FILES) + 1
    assert "67/68 step-3.7-flash.json: " in out
    assert ".yml, 195,844,508,736 parameters" in out
    assert f"wrote {len(FILES)} rows\nrefused 1 (xlstm.json): key model_type: found mamba2, which no row" in err
    assert len(list((tmp_path / "rows").glob("*.yml"))) == len(FILES)
    (found,) = (tmp_path / "rows").glob("kimi-k3*.yml")
    assert datasets.model(str(found)).n_dec == 93
    assert run(*call, "--partial") == 0


def test_24_imports_take_less_than_10_seconds_of_a_core(tmp_path):
    for name in list(FILES)[:24]:
        (tmp_path / f"{name}.json").write_text(json.dumps(FILES[name]))
    started = time.process_time()
    done = import_folder(tmp_path, tmp_path / "rows")
    assert (len(done.written), done.refused) == (24, {})
    assert time.process_time() - started < 10


def test_folders_with_a_configuration_each(tmp_path):
    """As checkouts of models lie side by side; one of them alone is read by its config.json."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(FILES["gpt2"]))
        (tmp_path / name / "tokenizer.json").write_text("{}")
    assert {path.name for path in import_folder(tmp_path, tmp_path / "rows").written} == {"one.yml", "two.yml"}
    assert len(import_folder(tmp_path / "one", tmp_path / "rows").written) == 1
    (tmp_path / "ONE.json").write_text(json.dumps(FILES["gpt2"]))
    twice = import_folder(tmp_path, tmp_path / "rows", replace=True)
    assert [len(paths) for paths in twice.refused.values()] == [1]


def test_a_folder_that_cannot_be_imported_is_refused(tmp_path):
    with pytest.raises(InputError, match="found a folder without configurations"):
        import_folder(tmp_path)
    (tmp_path / "a.json").write_text("[1")
    (tmp_path / "b.json").write_text(json.dumps({"model_type": "mamba2"}))
    (tmp_path / "c.json").write_text(json.dumps({"model_type": "falcon_mamba"}))
    refused = import_folder(tmp_path, tmp_path / "rows").refused
    assert sorted(len(paths) for paths in refused.values()) == [1, 1, 1]
