"""The study on one page: its sentence says what a hand-made sum says."""

import re

import pytest

from analysis.render.one_page import full_memory
from analysis.systems.canonical import paper
from analysis.systems.quantities import evaluate


def test_shares_at_full_memory_are_those_of_the_terms_of_a_step():
    """The other road: `evaluate` at the batch that it finds to fit, a whole number of requests."""
    given = paper().device | {"model": paper().latent, "link": paper().link, "n_acc": paper().n_acc}
    printed = re.findall(r"(\d+)\u202f% at (\d+)K tokens of context \(the wires (\S+)\u202f%\)", full_memory(paper()))
    assert [int(context) for _, context, _ in printed] == [1, 64]
    for core, context, wires in printed:
        step = given | {"L": 1024 * int(context), "deg_TP": paper().degree(paper().latent)}
        terms = evaluate("tpot_terms", **step, B=evaluate("B_cap", **step).value).value
        sums = sum(terms.values())
        exchanged = sum(terms[name] for name in ("dispatch", "combine", "all_reduce") if name in terms)
        assert float(core) == pytest.approx(100 * terms["core_attention"] / sums, abs=0.6)
        assert float(wires) == pytest.approx(100 * exchanged / sums, abs=0.6)
