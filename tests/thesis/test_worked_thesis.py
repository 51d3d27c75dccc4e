"""Numbers that the chapters of the thesis and the guidelines work by hand, worked here again from R1's sizes."""

import pytest

from tests.book.test_worked_numbers import Head

ARITHMETIC, BANDWIDTH, MEMORY, LINK, CHIPS = 2250e12, 8e12, 192e9, 900e9, 32
BLOCKS, MIXED, WIDTH, HEADS, LATENT, ROPE, QUERY = 61, 58, 7168, 128, 512, 64, 1536
CONTEXT = 8192
ROW, MADE = LATENT + ROPE, HEADS * (2 * LATENT + ROPE)  # numbers that a token caches, that a query brings and takes
REQUEST = BLOCKS * CONTEXT * ROW * 2
EACH = 202  # whole requests of an accelerator
WORK = BLOCKS * EACH * 2 * CONTEXT * MADE  # FLOP of core attention on an accelerator


def worked(page, *wanted):
    """The values of a page's head that are wanted, none of which needs a note of a notebook."""
    found = Head(page)
    return [found[name] for name in wanted]


def test_an_accelerator_followed_through_a_step():
    line, request, each, reading, full, moved = worked(
        "thesis", "request_line", "request", "each", "reading_line", "full", "moved"
    )
    assert request == REQUEST == 575_668_224
    assert "= 575{,}668{,}224\\ " in line
    assert each == EACH
    assert 1 < (MEMORY - 75.1e9) / REQUEST - EACH < 1.1  # vectors of a running block take what the next one needs
    assert "= 14.5\\ " in reading
    assert pytest.approx(14.5e-3, rel=5e-3) == EACH * REQUEST / BANDWIDTH
    assert moved == pytest.approx(1 + MADE / (ROW * CONTEXT), rel=1e-3)
    assert full.core == pytest.approx(EACH * (REQUEST + BLOCKS * MADE * 2) / BANDWIDTH, rel=1e-3)


def test_a_border_in_cached_tokens_and_a_larger_memory():
    exact, far, line = worked("thesis", "far_exact", "far", "larger_line")
    experts = MIXED * 8 * 3 * WIDTH * 2048 * 2 / BANDWIDTH  # the border is where caches take as long as all experts
    tokens = experts * BANDWIDTH / (BLOCKS * ROW * 2) * CHIPS
    assert exact * far == pytest.approx(tokens, rel=0.02)
    assert "= 42.7\\ " in line
    assert pytest.approx(42.7e-3, rel=1e-3) == 256e9 / 6e12


def test_half_the_bytes_of_a_cache():
    gpt, new, before = worked("thesis", "old_more", "new_narrow", "full")
    assert gpt == pytest.approx(2, abs=0.05)
    assert new.batch / before.batch == pytest.approx(2, rel=0.01)
    assert new.core == pytest.approx(2 * WORK / ARITHMETIC, rel=5e-3)  # it computes


def test_two_devices_by_hand():
    even, line, wide, slower, computed, gain = worked(
        "thesis_hardware", "even", "even_line", "wide_line", "new_slower", "computed", "wide_gain"
    )
    intensity = 2 * CONTEXT * MADE / (2 * (CONTEXT * ROW + MADE))
    assert even == 256 / 8 == 32
    assert "= 32\\ " in line
    assert slower == pytest.approx(intensity / 32, rel=1e-3)
    assert "= 58.7\\ " in wide
    assert intensity / 4 == pytest.approx(58.7, rel=1e-3)
    assert computed == pytest.approx(WORK / ARITHMETIC, rel=5e-3)
    assert gain[:3] == "9.6"


def test_resources_by_hand():
    wires, full, line, shortest, balance, hoped, doubled = worked(
        "thesis_hardware", "wires", "full", "wires_line", "shortest_line", "balance_count", "hoped", "doubled"
    )
    assert wires == pytest.approx(EACH * 8 * WIDTH * 2 * 2 * MIXED / LINK, rel=5e-3)  # there and back, no copy at home
    assert "= 0.106$\n" in line
    assert wires / full.step == pytest.approx(0.106, abs=5e-4)
    assert "= 24\\ " in shortest
    assert balance == 256 / 8
    assert hoped == pytest.approx(2 / (1 + 0.1059), rel=1e-3)
    computing = WORK / ARITHMETIC  # with twice the bandwidth; the rest waits half as long, or computes
    waits, all_computes = ((full.step - full.core - wires) * share for share in (0.5, EACH / 281.25))
    assert full.step / (computing + all_computes + wires) < doubled < full.step / (computing + waits + wires)


def test_pairs_and_drafts_by_hand():
    divided, saved, kept, even, pairs, far = worked(
        "thesis_service", "divided", "saved", "kept", "even_hand", "pairs", "far_each"
    )
    by_hand = HEADS * (QUERY * (128 + ROPE) + LATENT * 256 + 128 * WIDTH)
    assert (divided, saved, kept) == (by_hand, by_hand, CONTEXT * ROW * 2)
    assert even == pytest.approx(CHIPS * by_hand / (CONTEXT * ROW * 2)) == pytest.approx(583, abs=0.5)
    assert 0.95 < pairs / even < 1
    assert far == pytest.approx(even / CHIPS / 8)
    one, two, line, four, ends = worked("thesis_service", "all", "pair", "pair_line", "four_tokens", "even_below")
    assert two.core == pytest.approx(2 * WORK / ARITHMETIC, rel=5e-3)
    assert two.step / one.step == pytest.approx(1.6, abs=0.005)
    assert "= 1.6$\n" in line
    assert four == pytest.approx(1 + 0.8 + 0.64 + 0.512)
    assert ends == 281.25 * 256 / 8


def test_rules_by_hand():
    names = ("even", "balance_count", "pairs_tokens", "by_weights", "needed")
    even, count, tokens, by_weights, needed = worked("guidelines", *names)
    assert (even, count, tokens) == (32, 32, "4.6")
    # wires there and back against an expert's reading, at the ridge point: 281.25 tokens for each of 8 experts
    by_hand = 281.25 * 8 * 2 * WIDTH * 2 / (8 * 3 * WIDTH * 2048 * 2 / BANDWIDTH)
    assert by_hand == pytest.approx(2 * ARITHMETIC / (3 * 2048)) == pytest.approx(732.4e9, rel=1e-3)
    assert by_weights.startswith("732")
    assert float(needed.split()[0]) * 1e9 == pytest.approx(by_hand, rel=0.1)  # activations make an expert slower
    cached = CHIPS * HEADS * (QUERY * (128 + ROPE) + LATENT * 256 + 128 * WIDTH) / (2 * ROW)
    assert 0.95 < float(tokens) * 1e6 / cached < 1  # the all-reduce takes a little
