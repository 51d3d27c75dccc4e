"""The explorer's kinds of block and its machine that the model wants, against Python's, which finds it its own way."""

import random
from itertools import cycle, islice

import numpy as np
import pytest

from analysis.ask.numbers import value
from analysis.data import datasets
from analysis.derive.symbols import B, BW_Int, BW_mem, M_cap, P_acc
from analysis.systems.balanced import balanced, batch_at
from analysis.systems.block_kinds import block_kinds
from tests.browser.test_explorer_numbers import a_state, same, setting

MEMBERS = ("weights", "kept", "touched", "time")
RATES = {"arithmetic": P_acc, "memory": M_cap, "link": BW_Int}


@pytest.fixture(scope="module")
def states():
    draw = random.Random(16)
    return [a_state(draw, model) for model in islice(cycle(datasets.models()), 100)]


def test_kinds_of_block_are_those_of_python(node, generated, states):
    for found in node("explorer.js", generated, given=states):
        given = setting(found["state"], found["order"])
        every = block_kinds(given)
        assert len(found["results"]["kinds"]) == len(every)
        for numbers, kind in zip(found["results"]["kinds"], every, strict=True):
            assert same(numbers, [float(value(getattr(kind, name), given.point)) for name in MEMBERS]), kind.title


def test_the_machine_is_that_of_the_design(node, generated, states):
    asked = [each | {"phase": "decode", "ask": ["design"]} for each in states]
    found = node("explorer.js", generated, given=asked)
    for each in found:
        state, machine = each["state"], each["answer"]
        given = setting(state, state["order"] if state["order"] != "auto" else None)
        batch = batch_at(given, float(given.point[BW_mem]))
        if np.isnan(batch):
            assert machine is None, state
            continue
        wanted = balanced(given, batch)
        for symbol in (B, P_acc, BW_mem, M_cap, BW_Int):
            assert same(machine["wants"][symbol.name], float(wanted[symbol])), (symbol, state)
        for name, symbol in RATES.items():
            over = float(given.point[symbol] / wanted[symbol]) if wanted[symbol] else None
            assert machine["over"][name] is None if over is None else same(machine["over"][name], over)
    served = [each for each in found if each["answer"]]
    assert 20 < len(served) < len(found)


def test_a_step_that_prefills_has_no_such_machine(node, generated):
    (found,) = node("explorer.js", generated, given=[{"phase": "prefill", "ask": ["design"]}])
    assert found["answer"] is None
