"""Broken files of every kind, through the command line: exit code 2, one sentence, nothing written, no wait."""

import json
import os
import time

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import analysis.__main__ as command_line
from analysis.commands_reader import commands
from analysis.errors import InputError
from analysis.evaluate.huggingface import import_config, report
from analysis.evaluate.own_documents import yaml_mapping
from analysis.evaluate.own_rows import load
from analysis.evaluate.sweep.grid import read_grid
from tests.reader.configurations import PUBLISHED

NOTEBOOK = "book/notebooks/memory.ipynb"


@pytest.fixture(scope="module", autouse=True)
def registered():
    for command in commands:
        command_line.main.add_command(command)


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    """Run a command that must refuse: returns its sentence, once it is known that nothing was written."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        before, started = sorted(tmp_path.rglob("*")), time.monotonic()
        code = command_line.run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert len(err) < 2500
        assert "Traceback" not in err
        assert sorted(tmp_path.rglob("*")) == before
        assert time.monotonic() - started < 10
        return err

    return run


def commands_on(path):
    """Every command that reads a file of the reader's."""
    return [
        ("import-model", path),
        ("sweep", path, "-o", "out.parquet"),
        ("rerun", NOTEBOOK, path, "-o", "out"),
        ("rerun", path, path, "-o", "out"),
        ("evaluate", "parameters", f"model={path}"),
        ("evaluate", "ridge_point", f"accelerator={path}"),
        ("evaluate", "tpot", "model=deepseek-v3", "accelerator=b200-sxm", f"link={path}", "B=1", "L=1"),
    ]


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"
CONTENTS = {
    "empty": b"",
    "blank": b" \n\t\n",
    "binary": bytes(range(256)),
    "not-utf-8": "id: caf\u00e9".encode("latin-1"),
    "utf-16": "id: x".encode("utf-16"),
    "bomb": BOMB.encode(),
    "cycle": b"a: &a [*a]\n",
    "tag": b"id: !!python/name:os.system x\n",
    "apply": b"!!python/object/apply:os.system ['touch pwned']\n",
    "twice": b"id: a\nid: b\n",
    "list": b"- a\n- b\n",
    "scalar": b"42\n",
    "deep": b"[" * 60000,
    "deep-map": b'{"a":' * 60000,
    "merge": b"<<: {id: x}\n",
    "key": b"? [a]\n: b\n",
    "json-nan": b'{"hidden_size": NaN, "model_type": "llama"}',
    "json-twice": b'{"id": 1, "id": 2}',
    "json-cut": b'{"id": ',
    "json-long": b'{"a": ' + b"9" * 10000 + b"}",
    "bidi": "\u202eid: x\n".encode(),
    "homoglyph": "\u0456d: x\n".encode(),
    "null-byte": b"id: a\x00b\n",
    "tabs": b"id:\t- \t:\n",
    "code": b"id: __import__('os').system('touch pwned')\n",
    "quote": b'a,b\n"1,2\n',
    "only-header": b"id,name\n",
    "ragged": b"id,name\n1,2,3\n",
    "many-commas": b"," * 60000,
}


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("suffix", [".yml", ".json", ".csv"])
def test_broken_contents_are_refused_by_every_command(refused, tmp_path, kind, suffix):
    path = tmp_path / f"{kind}{suffix}"
    path.write_bytes(CONTENTS[kind])
    for arguments in commands_on(path):
        refused(*arguments)


def test_paths_that_are_no_files_are_refused(refused, tmp_path):
    (tmp_path / "folder.yml").mkdir()
    os.mkfifo(tmp_path / "pipe.yml")
    os.symlink(tmp_path / "loop.yml", tmp_path / "loop.yml")
    names = ("folder.yml", "pipe.yml", "loop.yml", "missing.yml", "x" * 5000 + ".yml", "../" * 40 + "etc/passwd")
    for path in (*(tmp_path / name for name in names), "/dev/zero", "/proc/self/mem"):
        for arguments in commands_on(path):
            refused(*arguments)


def test_a_file_of_100_megabytes_is_refused_at_once(refused, tmp_path):
    for suffix in (".yml", ".json", ".csv", ".ipynb"):
        path = tmp_path / f"large{suffix}"
        with path.open("wb") as file:
            file.write(b"id: x\n")
            file.truncate(100_000_000)
        started = time.monotonic()
        for arguments in commands_on(path):
            refused(*arguments)
        assert time.monotonic() - started < 5


def test_a_file_that_is_there_is_not_replaced_unasked(refused, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(PUBLISHED["llama-2-7b"]))
    (tmp_path / "mine.yml").write_text("precious")
    assert "--force" in refused("import-model", "config.json", "-o", "mine.yml")
    assert "already names" in refused("import-model", "config.json", "--id", "llama-2-7b")
    refused("import-model", "config.json", "-o", "missing/mine.yml")
    refused("import-model", "config.json", "-o", "mine.txt")
    refused("import-model", "config.json", "--id", "../up")


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1e999", "nan", "-1", "0", "4096", "x" * 5000, "\u0660", "2*3", "deepseek-v3", "./x.yml", "1,2"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))  # `make fuzz` looks longer, and elsewhere each time
QUICK = settings(
    max_examples=EXAMPLES or 40, derandomize=not EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
COLUMNS = ["id", "name", "BW_mem", "M_cap", "P_bf16", "link", "year", "note", ""]


def answers_or_refuses(call):
    """Any file either works or is refused in one sentence."""
    said = ""
    try:
        call()
    except InputError as refusal:
        said = str(refusal)
    assert "\n" not in said
    assert len(said) < 2500


@QUICK
@given(st.sampled_from(sorted(PUBLISHED)), st.data())
def test_a_configuration_with_any_values_in_it(tmp_path, name, data):
    config = json.loads(json.dumps(PUBLISHED[name]))
    inner = config.get("text_config", config)
    for key in data.draw(st.lists(st.sampled_from(sorted({*inner, "sliding_window", "layer_types"})), max_size=3)):
        inner[key] = data.draw(VALUES)
    (tmp_path / "config.json").write_text(json.dumps(config))
    answers_or_refuses(lambda: report(import_config(tmp_path / "config.json")))


@QUICK
@given(st.dictionaries(st.sampled_from(COLUMNS), VALUES))
def test_a_row_with_any_values_in_it(tmp_path, row):
    for name, text in {"row.json": json.dumps(row), "row.yml": yaml.safe_dump(row)}.items():
        (tmp_path / name).write_text(text)
        answers_or_refuses(lambda name=name: load(str(tmp_path / name), "accelerators"))


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(["quantities", "with", "over", "pareto", "flags"]),
        VALUES | st.dictionaries(st.sampled_from(["B", "L", "model", "s", "gain"]), VALUES),
    )
)
def test_a_grid_with_any_values_in_it(tmp_path, grid):
    (tmp_path / "grid.yml").write_text(yaml.safe_dump(grid))
    answers_or_refuses(lambda: read_grid(tmp_path / "grid.yml"))


@QUICK
@given(st.binary(max_size=200) | st.text(alphabet="a:&*!{}[]-? \n\t'\"|>#%@`,<", max_size=60).map(str.encode))
def test_any_bytes_as_a_document(tmp_path, content):
    (tmp_path / "any.yml").write_bytes(content)
    answers_or_refuses(lambda: yaml_mapping(tmp_path / "any.yml"))
