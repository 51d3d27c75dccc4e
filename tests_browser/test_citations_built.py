"""The file of derivations in the built book: every published label, each at the place that it names."""

import json

import pytest

from analysis.files import ROOT


@pytest.fixture(scope="module")
def results(book):
    return json.loads((book / "_static" / "derivations.json").read_text())["results"]


def test_every_published_label_is_in_the_book(results):
    frozen = (ROOT / "tests" / "labels.txt").read_text().split()
    labels = [entry["label"] for entry in results]
    assert set(frozen) <= set(labels)
    assert len(labels) == len(set(labels))


def test_every_place_exists(results, book):
    for entry in results:
        page, _, anchor = entry["place"].partition("#")
        assert f'id="{anchor}"' in (book / page).read_text(), entry["label"]
