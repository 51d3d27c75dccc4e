"""Two layouts that the study leaves out, built by plain arithmetic: none gains more than the chapter on limits says."""

from math import ceil

import pytest

from tests.book.test_worked_numbers import Head
from tests.systems import longhand
from tests.systems.longhand import WIDTH, ffn, product, roof

BLOCKS, MIXED, DENSE, D, HEADS = 61, 58, 3, 7168, 128
ACCELERATORS, MEMORY = 32, 192e9
TOKEN = BLOCKS * (512 + 64) * WIDTH
EXPERT = 3 * D * 2048
ATTENTION = WIDTH * BLOCKS * (D * (1536 + 512 + 64) + HEADS * (1536 * 192 + 512 * 256 + 128 * D))
HALVES = WIDTH * (DENSE * 3 * D * 18432 + MIXED * (EXPERT + D * 256) + D * 129280)  # and the output head
EMBEDDING, ROUTED = WIDTH * D * 129280, WIDTH * MIXED * 256 * EXPERT


def attention(requests):
    """Seconds of R1's projections and absorbed products for so many requests on an accelerator."""
    sides = [product(requests, D, n) for n in (1536, 512, 64)]
    heads = [product(requests, 1536, HEADS * n) for n in (128, 64)]
    absorbed = (2 * requests * HEADS * 128 * 512, HEADS * (requests * (128 + 512) + 512 * 128))
    return BLOCKS * roof(*sides, *heads, product(requests, HEADS * 128, D), absorbed, absorbed)


def core(requests, rows):
    """Seconds of core attention for queries of so many requests, over so many cached rows in all."""
    flops = 2 * HEADS * rows * (512 + 64 + 512)
    return BLOCKS * roof((flops, rows * (512 + 64) + requests * HEADS * (512 + 64 + 512)))


def experts(requests, accelerators):
    """Seconds of the routed experts, spread over so many accelerators."""
    here, held = requests * 8 / accelerators, 256 / accelerators
    reached = held * (1 - (248 / 256) ** requests)
    return MIXED * roof((6 * here * D * 2048, 2 * here * D + reached * EXPERT))


def halves(requests):
    """Seconds of dense layers, shared experts, routers and the head on an accelerator."""
    every_block = MIXED * roof(ffn(requests, D, 2048, 3), product(requests, D, 256))
    return every_block + DENSE * roof(ffn(requests, D, 18432, 3)) + roof(product(requests, D, 129280))


def wires(requests, accelerators):
    """Seconds of dispatch and combine."""
    return 2 * MIXED * requests * 8 / accelerators * D * WIDTH / longhand.WIRE


@pytest.fixture(scope="module")
def said():
    return Head("limits")


def test_dividing_a_context_gains_most_for_one_request(said):
    """Whole requests lie on accelerators, and the one with most decides; divided, each reads an even share. The rest of
    a step is that of an even batch, and dividing costs nothing: both for the better of the divided cache."""
    L, gains = said["long"], {}
    for requests in range(1, 6 * ACCELERATORS + 1):
        even = requests / ACCELERATORS
        rest = attention(even) + halves(even) + experts(requests, ACCELERATORS) + wires(requests, ACCELERATORS)
        whole, share = core(ceil(even), ceil(even) * L), core(even, even * L)
        gains[requests] = (whole + rest) / (share + rest)
    most = 1 / (1 - said["divided"])
    assert max(gains, key=gains.get) == 1
    assert max(gains.values()) <= most == pytest.approx(gains[1], rel=0.02)
    assert gains[6 * ACCELERATORS] == 1  # with every accelerator as busy as the others nothing is gained


def test_experts_apart_gain_less_than_is_said_however_the_accelerators_are_shared_out(said):
    """Requests fill the memory of those with attention, all experts that of the others; both sides always work, and
    what goes between them costs nothing. Exchanges are charged alike, or hidden alike, in both layouts."""
    L, gains = said["short"], {}

    def served(requests, time):
        return requests / time

    room = ACCELERATORS * (MEMORY - ATTENTION - HALVES - EMBEDDING) - ROUTED
    batch = room / (L * TOKEN)
    even = batch / ACCELERATORS
    step = attention(even) + core(even, even * L) + halves(even) + experts(batch, ACCELERATORS)
    for hidden in (True, False):
        together = served(batch, step + (0 if hidden else wires(batch, ACCELERATORS)))
        for first in range(1, ACCELERATORS):
            others = ACCELERATORS - first
            if others * (MEMORY - HALVES) < ROUTED:
                continue
            requests = first * (MEMORY - ATTENTION - EMBEDDING) / (L * TOKEN)
            here = requests / first
            sides = attention(here) + core(here, here * L), halves(requests / others) + experts(requests, others)
            time = max(sides) + (0 if hidden else wires(requests, others))
            gains[hidden, first] = served(requests, time) / together
    assert len(gains) > 30
    assert 1 < max(gains.values()) <= 1 / (1 - said["apart"])
