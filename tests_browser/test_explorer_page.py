"""The explorer and the search, used as a reader would use them."""

import pytest


@pytest.fixture(scope="module")
def report(node, book):
    return node("interact.js", str(book))


def test_it_opens_with_every_picture_and_every_layer(report):
    start = report["start"]
    assert start["pictures"] == 3
    assert start["rows"] == start["points"] == 9
    assert "B_SLO" in start["summary"]


def test_the_keyboard_moves_sliders_and_the_address_follows(report):
    assert report["moved"]["B"] != report["start"]["B"]
    assert f"&B={report['moved']['B'].replace(',', '')}&" in report["moved"]["href"]
    assert report["focus"] == "explorer-L"


def test_another_window_shows_the_same_view(report):
    assert report["dense"]["model"] == "gpt3-175b"
    assert report["dense"] == report["shared"]


def test_an_address_that_asks_for_nonsense_is_named_as_text(report):
    assert "model=<img" in report["nonsense"]["refused"]
    assert report["nonsense"]["model"] == "deepseek-v3"


def test_an_update_fits_a_frame(report):
    assert report["times"]["median"] < 16


def test_the_search_finds_pages_offline(report):
    assert report["found"] > 1
    assert set(report["errors"]) <= {"Failed to fetch"}, "Sphinx cannot show extracts of pages opened from disk"
