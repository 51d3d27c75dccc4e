"""Editions that cannot be used: each ends in one sentence and exit code 2, and nothing is written."""

import pytest
import yaml
from click.testing import CliRunner

from analysis import book, exits
from analysis.errors import InputError
from analysis.evaluate.edition.document import KEYS
from analysis.evaluate.edition.reading import read_edition
from analysis.files import BUILD
from tests.reader.rows import CHIP

BAD = {
    "modl: deepseek-v3": "found the key 'modl', allowed are name, title",
    "model: deepseek-v4": "model=deepseek-v4: no row of data/models.csv has this id; close to it are",
    "model: [deepseek-v3, kimi-k2]": "model: found .* allowed is one value",
    "model: {id: x}": "model: found .* allowed is one value",
    "models: []": "models: found an empty list",
    "models: [gpt3-175b, [kimi-k2]]": "models: found .* allowed is one value",
    "latent: llama-3.1-70b": "latent: found 'llama-3.1-70b', allowed are models with latent attention",
    "mixture: llama-3.1-70b": "mixture: found 'llama-3.1-70b', allowed are models with routed experts",
    "accelerator: ./nowhere.yml": "nowhere.yml: found no readable file",
    "accelerator: trainium3": "comes with no known link, .* add link=",
    "peak: fp8": "accelerator_experts: found 'pim-paper', which has no rate for peak=fp8, .* name one",
    "peak: fp3": "peak=fp3: not a value",
    "B: many": "B=many: .* allowed is a whole number",
    "B: 1,2": "B: found '1,2', allowed is one number",
    "L: -1": "L=-1: .* allowed is a whole number",
    "slo: nan": "slo=nan: .* allowed is a number from 1e-06 to 10000 s",
    "n_acc: 12": "model: found 'deepseek-v3', whose weights and contexts of 8,192 tokens 12 x b200-paper do not hold",
    "n_acc: 1": "n_acc: found 1, allowed are even numbers",
    "L: 1000000000": "whose weights and contexts of 1,000,000,000 tokens 32 x b200-paper do not hold",
    "link: deepseek-v3": "link=deepseek-v3: no row of data/interconnects.csv has this id",
    "link_between: nvlink5-b200": "allowed are links slower than the 900 GB/s",
    "accelerator_experts: b200-sxm": "allowed are devices of a lower ridge point",
    "n_acc: 64\ngroup: 12": "group=12: must divide n_acc=64",
    "models: [deepseek-v3]": "models: found only the model itself, allowed",
    "models: [gpt3-175b]\nn_acc: 8\nmodel: llama-2-7b\naccelerator: a100-sxm4-40gb": "models: found 'gpt3-175b', whose",
    "deg_TP: 3": "deg_TP=3: must divide n_acc",
    "name: ../escape": "name: found '../escape', allowed are at most 40 lower-case",
    "name: paper": "which is the paper's setting",
    "title: <script>alert(1)</script>": "title: found '<script>.* allowed are at most 80 letters",
    "title: '{{ 1 }}'": "title: found .* allowed are at most 80 letters",
    "model: kimi-k2\nmodel: kimi-k2": "the key 'model' twice",
    "model: !!python/object:os.system x": "found the tag",
    "- model": "found no mapping",
    "": "found an empty file",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_edition_ends_in_one_sentence_and_writes_nothing(text, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(book, "build", lambda *given: pytest.fail("a bad edition was built"))
    (tmp_path / "bad.yml").write_text(text)
    assert exits.run(book.main, "book", ["--edition", str(tmp_path / "bad.yml")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "bad.yml" in said or "nowhere.yml" in said
    with pytest.raises(InputError, match=BAD[text]) as caught:
        read_edition(tmp_path / "bad.yml")
    assert "\n" not in str(caught.value)
    assert not (BUILD / "editions" / "bad").exists()


@pytest.mark.parametrize("content", [None, b"\x00\xff", b"just words", b"model: [open"], ids=str)
def test_what_is_no_document_ends_in_one_sentence(content, tmp_path, capsys):
    path = tmp_path / "bad.yml"
    path.mkdir() if content is None else path.write_bytes(content)
    assert exits.run(book.main, "book", ["--edition", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert "bad.yml" in said
    assert not (BUILD / "editions" / "bad").exists()


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (CHIP | {"id": "b200-sxm"}, "which already names a row of"),
        (CHIP | {"name": "<b>chip</b>"}, "allowed are letters, digits and plain punctuation"),
        (CHIP | {"BW_mem": -1}, "column BW_mem: found '-1'"),
    ],
)
def test_an_own_row_that_pages_could_not_print_is_refused(row, sentence, tmp_path):
    (tmp_path / "chip.yml").write_text(yaml.safe_dump(row))
    (tmp_path / "e.yml").write_text("accelerator: chip.yml\n")
    with pytest.raises(InputError, match=sentence):
        read_edition(tmp_path / "e.yml")


def test_help_teaches_editions():
    text = CliRunner().invoke(book.main, ["--help"]).output
    assert "accelerator: ./mychip.yml" in text
    for key in KEYS:
        assert key in text
