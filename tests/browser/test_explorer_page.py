"""The explorer and the search, used as a reader would use them."""

import re

from tests.browser.budgets import UPDATE


def test_it_opens_with_every_picture_and_every_layer(report):
    start = report["start"]
    assert start["pictures"] == len(start["tables"]) == 6, "a table beside each picture"
    assert start["rows"] == start["points"] == 9
    assert "what binds is" in start["summary"]


def test_the_tabulator_key_reaches_every_choice(report):
    assert len(report["controls"]) > 12
    assert report["tabbed"][: len(report["controls"])] == report["controls"]


def test_the_keyboard_moves_sliders_and_the_address_follows(report):
    assert report["moved"]["B"] != report["start"]["B"]
    assert f"&B={report['moved']['B'].replace(',', '')}&" in report["moved"]["href"]
    assert report["next"] == "explorer-L"
    assert (report["start"]["peak"], report["halved"]["peak"]) == ("BF16", "FP8")
    assert "&peak=fp8&" in report["halved"]["href"]


def test_another_window_shows_the_same_view(report):
    assert report["dense"]["model"] == "gpt3-175b"
    assert report["dense"] | {"focus": ""} == report["shared"] | {"focus": ""}


def test_an_address_that_asks_for_nonsense_is_named_as_text(report):
    refused = report["states"]["refused"]
    assert "model=<img" in refused["refused"]
    assert refused["model"] == "deepseek-v3"


def test_what_binds_is_said_where_nothing_fits_and_what_would_do(report):
    state = report["states"]["nothing fits"]
    assert state["summary"].startswith("Nothing fits in any layout of one accelerator: the limit is memory capacity")
    assert "Nearest: 32 accelerators, where TP " in state["summary"]
    assert state["headline"].startswith("Memory does not hold this batch; if it did, ")
    assert report["states"]["dense"]["model"] == "gpt3-175b"


def test_the_largest_term_is_named_with_what_would_change_it(report):
    assert re.fullmatch(r"A token takes \S+\sms; the largest term is .*, \d+\s% of it\.", report["start"]["headline"])
    for word in ("memory bandwidth", "arithmetic", "link", "Twice the batch"):
        assert word in report["start"]["change"]


def test_kinds_of_block_and_the_machine_that_the_model_wants_are_shown(report):
    start, dense = report["start"], report["states"]["dense"]
    assert start["kinds"] == ["A: multi-head latent attention", "B: dense FFN", "C: experts"]
    assert start["design"] == ["arithmetic", "memory", "link"]
    assert re.search(
        r"serves [\d,]+ requests in 50\sms a token; .* This accelerator has enough of each\.$", start["wanted"]
    )
    assert dense["kinds"] == ["A: multi-head attention", "B: dense FFN"]
    assert (dense["design"], "choose decode to see it" in dense["wanted"]) == ([], True)
    assert report["states"]["nothing fits"]["wanted"].endswith("whatever else the machine has.")


def test_two_systems_stand_side_by_side_and_travel_in_the_address(report):
    assert report["start"]["second"] is None
    two, swapped = report["two"], report["swapped"]
    assert "#model=gpt3-175b&" in two["href"]
    assert "&second.model=deepseek-v3&" in two["href"]
    assert two["second"].count("the largest term is") == 2, "both headlines"
    assert two | {"focus": ""} == report["twoShared"] | {"focus": ""}
    assert [row[1:3] for row in two["compared"][:3]] == [row[2:0:-1] for row in swapped["compared"][:3]]
    assert swapped["headline"] == report["start"]["headline"]


def test_the_plan_button_chooses_layout_and_batch(report):
    assert report["planned"]["second"] is None
    assert "too many" not in report["planned"]["summary"]
    assert int(report["planned"]["B"].replace(",", "")) > int(report["start"]["B"].replace(",", ""))


def test_a_phone_shows_results_first_and_keeps_the_headline_in_sight(report):
    for name, state in report["states"].items():
        assert state["phone"]["results"] <= state["phone"]["form"], name
        assert 0 <= state["phone"]["stuck"] < 100, name
        assert not state["phone"]["cut"], name


def test_every_state_is_accessible_in_both_colour_modes_and_fits_a_phone(report):
    for name, state in report["states"].items():
        assert state["axe"] == {"light": [], "dark": []}, name
        assert state["overflow"] <= 0, name


def test_letters_of_every_models_pictures_stand_clear(report):
    assert not report["unreadable"]


def test_an_update_fits_a_frame(report, measured):
    measured("one update of the explorer [ms]", report["milliseconds"], UPDATE)
    measured("one update of two systems side by side [ms]", report["twoMilliseconds"], UPDATE)
    advice = report["states"]["nothing fits"]["milliseconds"]
    measured("one update where nothing fits, with advice [ms]", advice, UPDATE)
    assert max(report["milliseconds"], report["twoMilliseconds"], advice) < UPDATE


def test_it_neither_fails_nor_asks_the_network(report):
    assert not report["explorerErrors"]
    assert not report["requests"]


def test_the_search_finds_pages_offline(report):
    assert report["found"] > 1
    assert set(report["errors"]) <= {"Failed to fetch"}, "Sphinx cannot show extracts of pages opened from disk"
