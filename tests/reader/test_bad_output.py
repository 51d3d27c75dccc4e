"""Outputs that cannot be, for every command that writes: refused before the work, and nothing half-written."""

import json
import resource
import shutil

import pytest

from analysis.book import build, places
from analysis.files import outputs, whole
from analysis.files.errors import InputError
from analysis.files.whole import fingerprint
from analysis.sweeps.running import sweep
from tests.huggingface.configurations import PUBLISHED
from tests.measured import database_tables
from tests.reader.broken import ENDINGS, NOTEBOOK, run, writers

GRID = "quantities: [tpot]\nwith: {model: llama-2-7b, accelerator: b200-sxm}\nover: {B: [1, 2], L: [10, 20]}\n"
KEY = fingerprint([], "memory.ipynb", '{"L": 1024}')[:12]  # of the one row of the table
TABLE = "h100_sxm/attention/vllm/0.24.0/generation_attention_perf"
PLACES = {
    "no-folder": "missing/deeper/x{}",
    "below-a-file": "config.json/x{}",
    "taken": "taken{}",
    "system": "/proc/x{}",
    "ending": "out.txt",
}
FOLDERS_MAY = {"no-folder", "ending"}  # a folder is made with those above it, whatever its name


@pytest.fixture
def prepared(tmp_path):
    """Inputs that are fine, for every command that writes."""
    (tmp_path / "config.json").write_text(json.dumps(PUBLISHED["llama-2-7b"]))
    (tmp_path / "grid.yml").write_text(GRID)
    (tmp_path / "table.csv").write_text("L\n1024\n")
    database_tables.write(tmp_path / "database", TABLE, database_tables.GQA)
    return tmp_path


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("name", ENDINGS)
def test_an_output_that_cannot_be_is_refused_before_any_work(refused, prepared, name, kind):
    ending = ENDINGS[name]
    if not ending and kind in FOLDERS_MAY:
        return
    if ending:
        (prepared / f"taken{ending}").mkdir()
    else:
        (prepared / "taken").write_text("a file")
    refused(*writers(PLACES[kind].format(ending))[name])


@pytest.mark.parametrize("name", ["import-model", "sweep", "import-measurements"])
def test_a_disk_that_fills_up_leaves_nothing(refused, prepared, name):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))  # the eleventh byte fails, as on a full disk
    try:
        said = refused(*writers(f"out{ENDINGS[name]}")[name])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "make room" in said


def test_a_sweep_that_finds_no_room_later_keeps_what_it_has(prepared, monkeypatch, capsys):
    monkeypatch.chdir(prepared)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("analysis.sweeps.output._to_parquet", full)
        assert run(*writers("out.parquet")["sweep"]) == 2
    assert "make room" in capsys.readouterr().err
    assert not (prepared / "out.parquet").exists()
    done = sweep("grid.yml", "out.parquet", jobs=1)
    assert (done.rows, done.computed) == (4, 0)


def test_a_file_that_is_there_is_not_replaced_unasked(refused, prepared):
    (prepared / "mine.yml").write_text("precious")
    assert "--force" in refused("analysis", "import-model", "config.json", "-o", "mine.yml")
    assert "already names" in refused("analysis", "import-model", "config.json", "--id", "llama-2-7b")
    refused("analysis", "import-model", "config.json", "--id", "../up")


def test_an_input_is_not_replaced_by_its_output(refused, prepared):
    shutil.copy(NOTEBOOK, prepared / "mine.ipynb")
    (prepared / "rows.csv").write_text("operation\n")
    table = f"database/{TABLE}.parquet"
    for arguments in (
        ("analysis.book.notebooks", "mine.ipynb", "--output", "."),
        ("analysis", "calibrate", "rows.csv", "-o", "rows.csv"),
        ("analysis", "import-measurements", "database", "-o", table),
        ("analysis", "import-measurements", "database", "-o", table, "--force"),
        ("analysis", "calibrate", "rows.csv", "-o", "rows.csv", "--force"),
    ):
        assert "found the file to read" in refused(*arguments)


TAKEN = {  # what a command would write over, below the output that a reader names
    "import-model": ("out.yml",),
    "sweep": ("out.parquet", "out.dictionary.csv", "out.skipped.csv"),
    "measure": ("out.csv", "out.json"),
    "calibrate": ("out.csv",),
    "import-measurements": ("out.parquet",),
    "rerun": ("out/index.html", f"out/{KEY}.ipynb"),
    "notebooks": ("out/memory.ipynb",),
    "report": ("out/thesis.txt", "out/index.html"),
    "book": ("out/CNAME", "out/index.html", "out/objects.inv"),
}


def test_every_command_that_writes_is_asked_what_it_would_write_over():
    assert set(TAKEN) == set(ENDINGS) == set(writers("x"))


@pytest.mark.parametrize(("name", "taken"), [(name, each) for name, places in TAKEN.items() for each in places])
def test_a_file_that_a_command_did_not_write_is_not_replaced_unasked(refused, prepared, name, taken):
    (prepared / taken).parent.mkdir(exist_ok=True)
    (prepared / taken).write_text("precious\n1\n")
    said = refused(*writers(f"out{ENDINGS[name]}")[name])
    assert "--force" in said
    assert taken.rpartition("/")[2] in said
    assert (prepared / taken).read_text() == "precious\n1\n"


@pytest.mark.parametrize("name", ["import-model", "sweep", "import-measurements"])
def test_what_a_command_wrote_it_may_write_again_and_what_not_if_forced(prepared, monkeypatch, name):
    monkeypatch.chdir(prepared)
    command = writers(f"out{ENDINGS[name]}")[name]
    assert [run(*command), run(*command)] == [0, 0]
    made = (prepared / f"out{ENDINGS[name]}").read_bytes()
    for path in prepared.glob("out.*"):
        path.write_text("precious")
    assert [run(*command), run(*command, "--force")] == [2, 0]
    assert (prepared / f"out{ENDINGS[name]}").read_bytes() == made


def test_a_copy_of_the_book_replaces_an_older_copy_and_nothing_else(tmp_path):
    html, output = tmp_path / "html", tmp_path / "copy"
    for name in ("index.html", "a/old.html"):
        whole.write(html / name, name.encode())
    places.refuse_copy(output, [])
    places.copy(html, output)
    (html / "a" / "old.html").unlink()
    places.refuse_copy(output, [])
    places.copy(html, output)
    assert sorted(path.name for path in output.rglob("*") if path.is_file()) == [outputs.LISTED, "index.html"]
    (output / "CNAME").write_text("mine")
    with pytest.raises(InputError, match=r"holds other things than a book \(CNAME\)"):
        places.refuse_copy(output, [])
    places.refuse_copy(output, [], replace=True)
    for within in (whole.ROOT, whole.ROOT / "book" / "x", whole.BUILD, whole.BUILD / "html" / "x"):
        with pytest.raises(InputError, match="a folder of the study itself"):
            places.refuse_copy(within, [whole.ROOT / "book"], replace=True)


def test_a_finished_book_is_shown_where_nothing_can_be_written(tmp_path, monkeypatch):
    """The system's own word against a superuser, whom no permission stops."""
    place = places.Place(tmp_path)
    whole.write(place.html / "index.html", b"made")

    def closed(*given, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(build, "fingerprint", lambda *given: "state")
    whole.write(place.stamp, b"state")
    monkeypatch.setattr(build, "locked", closed)
    assert build.build(place=place) == place.html / "index.html"
    whole.write(place.stamp, b"another")
    with pytest.raises(PermissionError):
        build.build(place=place)


def test_a_copy_of_the_book_leaves_hidden_files_alone(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref")
    (tmp_path / "old.html").write_text("old")
    whole.mirror(tmp_path, {"new.html": b"new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "new.html"]
    assert (tmp_path / ".git" / "HEAD").read_text() == "ref"


def test_an_output_is_whole_or_not_there(tmp_path):
    def broken():
        with outputs.whole(tmp_path / "x.csv") as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="could not be written"):
        outputs.write_whole(tmp_path / "missing" / "x.csv", b"")
