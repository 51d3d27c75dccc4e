"""What the ledger says about systems beyond one number per claim: solutions, bands, shares."""

import numpy as np
import pytest
from ledger_by_hand import gated
from ledger_systems_by_hand import CHOSEN, INFINIBAND, NVLINK, PEAK, one_over_eight, r1, r1_cap, r1_time, shuffled
from ledger_systems_table import copied

from analysis.evaluate.claims import bottleneck, network, pim, scaling, thesis
from analysis.evaluate.claims.ledger import OPEN, counts, ledger

FINDINGS = {finding.id: finding for finding in ledger()}
TOKEN = 7168 * 2 * 8  # bytes that a token of each accelerator puts on a wire


def test_no_claim_is_open():
    assert counts()[OPEN] == 0


def test_copies_of_hot_experts_at_the_ridge_by_hand():
    """A slot of the busiest accelerator against a dense layer of gated products, 7168 wide, 2-byte elements."""
    assert FINDINGS["S02"].readings[0].value == pytest.approx(gated(copied(9000), 2048) / gated(9000 / 32, 18432))


def test_two_printed_times_give_tokens_and_latency():
    moved = (151.8e-6 - 17.65e-6) / (1 / INFINIBAND - 1 / NVLINK)
    solved = network.common_alpha()
    assert (solved.tokens, solved.alpha) == pytest.approx((moved / TOKEN, 17.65e-6 - moved / NVLINK))
    own = [(17.65 - 0.8) * 1e-6 * NVLINK / TOKEN, (151.8 - 0.13) * 1e-6 * INFINIBAND / TOKEN]
    assert [network.own_alpha(link).tokens for link in network.TIMES] == pytest.approx(own)
    assert abs(own[0] / own[1] - 1) < 0.05 / 151.8  # closer than the print of the longer time can tell


def test_each_printed_time_foretells_the_other():
    """17.65 us from 151.8 us and the reverse, with latencies of 0.8 and 0.13 us; without latency neither."""
    links = network.NVLINK, network.INFINIBAND
    assert network.foretold(*links) == pytest.approx((151.8 - 0.13) / 9 + 0.8)
    assert round(network.foretold(*links), 2) == 17.65
    assert round(network.foretold(*links[::-1]), 1) == 151.8
    assert round(151.8 / 9, 2) != 17.65


def test_solutions_give_back_the_printed_times():
    for solved in (network.common_alpha(), network.own_alpha(network.NVLINK)):
        assert solved.tokens * TOKEN / NVLINK + solved.alpha == pytest.approx(17.65e-6)
    assert 128 * TOKEN / INFINIBAND + network.needed_alpha(network.INFINIBAND) == pytest.approx(151.8e-6)


def test_random_routing_loads_the_busiest_as_its_spread_says():
    """Tokens of an accelerator are a sum of 4096 hypergeometric counts; the highest of 32 lies about two spreads up."""
    spread = np.sqrt(4096 * 8 * 8 / 256 * (248 / 256) * (248 / 255)) / 1024
    low, high = network.random_gammas()
    assert 1 + spread < low < 1 + 2.1 * spread < high < 1 + 4.5 * spread


def test_only_bands_of_random_placements_hold_the_printed_ratio():
    fitting = [reading.name for reading in FINDINGS["C075"].readings if reading.fits]
    assert [name.split(",")[0] for name in fitting] == ["shuffled", "shuffled"]
    strided = max(CHOSEN[start::32].sum() for start in range(32)) * 4
    assert FINDINGS["C075"].readings[1].value == pytest.approx(CHOSEN[0] * 32 / strided)


@pytest.mark.parametrize("L", [1024, 8192, 1048576])
@pytest.mark.parametrize(("link", "wire"), [("nvlink5-b200", NVLINK), ("ib-xdr", INFINIBAND)])
def test_shares_at_capacity(L, link, wire):
    B, i = r1_cap(L), list(bottleneck.CONTEXTS).index(L)
    found, skewed = r1(B, L, wire=wire), r1(B, L, wire=wire, gamma=shuffled(0))
    wait = skewed["experts"] - found["experts"]
    assert bottleneck.waiting_share(link, 0)[i] == pytest.approx(100 * found["wires"] / sum(found.values()))
    expected = 100 * (skewed["wires"] + wait) / sum(skewed.values())
    assert bottleneck.waiting_share(link, 0.8)[i] == pytest.approx(expected)


def test_a_full_cache_is_read_in_the_time_that_free_memory_takes():
    """Core attention at B_cap reads the cache and a little more, so the two differ by queries, outputs and rounding."""
    for name in (bottleneck.R1, bottleneck.GPT3, bottleneck.LLAMA4):
        assert bottleneck.core_at_cap(name) == pytest.approx(bottleneck.full_cache_time(name), rel=0.05)


@pytest.mark.parametrize(("bandwidth", "L"), [(900, 2048), (300, 2048), (100, 2048)])
def test_large_over_small_systems_at_the_ridge(bandwidth, L):
    expected = one_over_eight(bandwidth * 1e9, L, 281.25, 281.25)
    assert scaling.one_over_eight(bandwidth, L) == pytest.approx(expected)


def test_memory_device_flips_at_32_tokens_per_expert():
    assert pim.flip(False) == 1024
    assert pim.flip(True) == pytest.approx(32 * 32 * 6144 / 6080)
    for B in (pim.flip(True) * 0.98, pim.flip(True) * 1.02):
        gain = r1_time(B, 2048) / r1_time(B, 2048, experts={"peak": 256e12, "memory": 32e12})
        assert float(pim.gain(B, 2048.0)) == pytest.approx(gain)
    assert float(pim.gain(900.0, 2048.0)) > 1 > float(pim.gain(1100.0, 2048.0))


def test_core_on_the_memory_device_is_limited_by_its_arithmetic():
    slow = {"peak": 256e12, "memory": 32e12}
    expected = r1(6493, 8192)["core"] / r1(6493, 8192, core=slow)["core"]
    assert pim.speed_on_pim(pim.scenario(pim.R1), 6493.0, 8192.0) == pytest.approx(expected)
    assert r1(6493, 8192, core=slow)["core"] == pytest.approx(61 * 2 * (6493 / 32) * 128 * 8192 * 1088 / 256e12)


def test_doubling_everything_halves_the_time_at_equal_batch():
    B = r1_cap(8192)
    twice = r1_time(B, 8192, wire=2 * NVLINK, peak=2 * PEAK, memory=16e12)
    assert twice == pytest.approx(r1_time(B, 8192) / 2)
    gains = bottleneck.doubled(8192.0).gains
    assert all(1 <= gain < 2 for gain in gains)


def test_flips_are_where_both_sides_are_equal():
    L, wire = thesis.context_at_ridge(), thesis.bandwidth_at_experts()
    assert r1_cap(L - 1) == 9001
    assert r1_cap(L + 1) == 8998
    found = r1(9000, 2048, wire=wire)
    assert found["wires"] == pytest.approx(found["experts"])
