"""Anything at all, through everything that reads what a reader brings: it works, or is refused in one sentence.

A few examples of each, the same at every run; `make fuzz` looks longer, and elsewhere each time. What it finds becomes
an `example` here, or a named case in `broken.py` or `tests/cli/bad_input.py`.
"""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analysis.ask.asked import asked
from analysis.ask.parameters import LISTS, PARAMETERS
from analysis.book.report.subject import system_in, system_of
from analysis.data.own_rows import load as load_row
from analysis.data.rows import FILES
from analysis.files.documents import csv_records, json_mapping, yaml_mapping
from analysis.files.errors import InputError
from analysis.huggingface import import_config, report
from analysis.huggingface.stored import CACHE, STATED
from analysis.measured.kernel_files import SCHEMA
from analysis.sweeps.grid import read_grid
from analysis.systems.quantities import all_quantities
from tests.huggingface.configurations import FILES as CONFIGS
from tests.huggingface.configurations import PUBLISHED
from tests.reader.broken import run
from tests.reader.rows import declaring

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
QUICK = settings(
    max_examples=EXAMPLES or 30, derandomize=not EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

TRICKY = (
    *("nan", "inf", "-1", "0", "0.5", "1", "2", "3", "7", "64", "4096", "1e17", "1e18", "1e999", "9" * 400, "0x10"),
    *("1_0", "2*3", "B", "x" * 5000, "\u0661", "\uff11", "\u202e1", "\ud800", "1,2", "1,nan", "[1]", "{}", "null", "~"),
    *("deepseek-v3", "llama-2-7b", "b200-sxm", "ib-xdr", "row", "link", "prefill", "bf16", "./x.yml", "/dev/zero"),
)
TEXTS = st.sampled_from(TRICKY) | st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)
BYTES = st.binary(max_size=200) | st.text(alphabet="a:&*!{}[]-? \n\t'\"|>#%@`,<1", max_size=60).map(str.encode)
NAMES = [quantity.name for quantity in all_quantities()]
PAIRS = st.dictionaries(st.sampled_from(sorted(PARAMETERS)), TEXTS, max_size=4)
KNOWN = {"model": "deepseek-v3", "accelerator": "b200-sxm", "link": "nvlink5-b200", "n_acc": "32"}
SYSTEM = KNOWN | {"B": "64", "L": "4096", "slo": "0.05"}


def answers_or_refuses(call, *arguments):
    """What is given either works or is refused in one sentence."""
    said = ""
    try:
        call(*arguments)
    except InputError as refusal:
        said = str(refusal)
    assert "\n" not in said
    assert len(said) < 2500


def ends_well(capsys, *arguments):
    """A command answers, or says why not in one line and code 2."""
    code = run("analysis", *arguments)
    out, err = capsys.readouterr()
    assert (code, err.count("\n"), bool(out)) in ((0, 0, True), (2, 1, False)), (arguments, err)
    assert len(err) < 2500


def yaml_text(given) -> str:
    """YAML of a document; JSON where YAML itself refuses a value, as it does half a surrogate pair."""
    try:
        text = yaml.safe_dump(given)
        text.encode()
    except (yaml.YAMLError, UnicodeEncodeError):
        return json.dumps(given)
    return text


@QUICK
@given(st.sampled_from(NAMES), PAIRS)
def test_evaluate_with_any_values(capsys, name, pairs):
    ends_well(capsys, "evaluate", name, *(f"{key}={value}" for key, value in (SYSTEM | pairs).items()))


@QUICK
@given(st.dictionaries(st.sampled_from([*PARAMETERS, *LISTS]), VALUES, max_size=3))
@example({"models": [None, []]})
def test_a_notebook_with_any_parameters(given):
    answers_or_refuses(lambda: asked(declaring(*given) | given).setting)


@QUICK
@given(st.sampled_from(sorted(PUBLISHED | CONFIGS)), st.data())
def test_a_configuration_with_any_values_in_it(tmp_path, name, data):
    config = json.loads(json.dumps((PUBLISHED | CONFIGS)[name]))
    inner = config.get("text_config", config)
    known = sorted({*inner, "sliding_window", "layer_types", *STATED, *CACHE})
    for key in data.draw(st.lists(st.sampled_from(known), max_size=3)):
        part = inner[key] if isinstance(inner.get(key), dict) and inner[key] and data.draw(st.booleans()) else inner
        part[key if part is inner else data.draw(st.sampled_from(sorted(part)))] = data.draw(VALUES)
    (tmp_path / "config.json").write_text(json.dumps(config))
    answers_or_refuses(lambda: report(import_config(tmp_path / "config.json")))


@QUICK
@given(st.sampled_from(sorted(set(FILES) - {"claims"})), st.data())
def test_a_row_with_any_values_in_it(tmp_path, file, data):
    row = data.draw(st.dictionaries(st.sampled_from([*FILES[file].model_fields, ""]), VALUES))
    for name, text in {"row.json": json.dumps(row), "row.yml": yaml_text(row)}.items():
        (tmp_path / name).write_text(text)
        answers_or_refuses(load_row, str(tmp_path / name), file)


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(["quantities", "with", "over", "pareto", "flags", "constraints"]),
        VALUES | st.dictionaries(st.sampled_from(["B", "L", "model", "s", "gain", "cost", "by"]), VALUES),
    )
)
def test_a_grid_with_any_values_in_it(tmp_path, grid):
    (tmp_path / "grid.yml").write_text(yaml_text(grid))
    answers_or_refuses(read_grid, tmp_path / "grid.yml")


@QUICK
@given(st.dictionaries(st.sampled_from(["scenario", *SYSTEM, "group", "peak", "x"]), VALUES))
def test_a_system_with_any_values_in_it(tmp_path, document):
    (tmp_path / "mine.yml").write_text(yaml_text(document))
    answers_or_refuses(lambda path: system_of(system_in(path)).plans, tmp_path / "mine.yml")


MEASURED = {
    "operation": "gemm",
    "accelerator": "h100-sxm5",
    "tokens": 64,
    "d_emb": 64,
    "d_FFN": 64,
    "precision": "bf16",
    "latency": 1e-5,
    "kernel": "k",
    "source": "s",
    "locator": "l",
    "licence": "none",
}


@QUICK
@given(st.dictionaries(st.sampled_from(SCHEMA.names), SCALARS, max_size=3))
@example({"n_kv": True})
@example({"B": "9" * 400})
@example({"B": 2.0**53 + 2})
@example({"B": "\n"})
@example({"operation": "x" * 5000})
def test_a_measurement_with_any_cells(tmp_path, capsys, cells):
    row = MEASURED | cells
    quoted = ('"' + str(cell).replace("\ud800", "?").replace('"', '""') + '"' for cell in row.values())
    (tmp_path / "rows.csv").write_text(",".join(row) + "\n" + ",".join(quoted) + "\n")
    ends_well(capsys, "validate", tmp_path / "rows.csv", "--json")
    try:
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "rows.parquet")
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return  # no Parquet file can hold this
    ends_well(capsys, "validate", tmp_path / "rows.parquet", "--json")


@QUICK
@given(BYTES)
@pytest.mark.parametrize("read", [yaml_mapping, json_mapping, csv_records])
def test_any_bytes_as_a_document(tmp_path, read, content):
    (tmp_path / "any").write_bytes(content)
    answers_or_refuses(read, tmp_path / "any")
