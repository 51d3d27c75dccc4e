"""The comparison behind `make reproducible`: what is copied, and that a difference is found and named."""

from analysis.files.whole import ROOT
from analysis.tools.reproducible import built, copy_sources, differences


def test_a_copy_holds_the_sources_and_nothing_made_of_them(tmp_path):
    copied = {path.relative_to(tmp_path).as_posix() for path in copy_sources(tmp_path).rglob("*") if path.is_file()}
    assert {
        "_config.yml",
        "book/_toc.yml",
        "analysis/book/build.py",
        "data/models/ORDER",
        "requirements.lock",
    } <= copied
    assert not [name for name in copied if "__pycache__" in name or name.startswith(("_build", "tests", "."))]
    assert all((tmp_path / name).read_bytes() == (ROOT / name).read_bytes() for name in copied)


def test_notebooks_and_pages_are_compared_whatever_their_names(tmp_path):
    for name in ("_build/html/a.html", "_build/html/.hidden", "_build/notebooks/b.ipynb", "_build/stage/c.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert sorted(built(tmp_path)) == ["_build/html/.hidden", "_build/html/a.html", "_build/notebooks/b.ipynb"]


def test_every_difference_is_named():
    one = {"same": b"1", "longer": b"12", "gone": b""}
    other = {"same": b"1", "longer": b"1", "new": b""}
    assert differences(one, one) == []
    assert differences(one, other) == [
        "gone is in one build only",
        "longer differs from byte 1 on: b'2' against b''",
        "new is in one build only",
    ]
