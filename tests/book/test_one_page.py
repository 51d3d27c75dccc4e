"""The study on one page: its sentence says what a hand-made sum says."""

import re

import pytest

from analysis.data import datasets
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


def test_bandwidth_is_the_resource_worth_most(written):
    """The landing page says so: one per cent more of each, in the whole model at full memory, by a chip of its own."""
    row = {name: cell for name, cell in datasets.accelerator("b200-paper").model_dump(mode="json").items() if cell}
    plain = {name: " ".join(cell) if isinstance(cell, list) else str(cell) for name, cell in row.items()}
    system = {"model": "deepseek-v3", "n_acc": 32, "L": 8192, "link": "nvlink5-b200"}

    def rate(more=None, **given):
        chip = plain | {"id": "a-chip"} | ({more: str(1.01 * float(plain[more]))} if more else {})
        setting = system | {"accelerator": written("chip.yml", chip)} | given
        return evaluate("throughput", **setting, B=evaluate("B_cap", **system, accelerator="b200-paper").value).value

    bandwidth, arithmetic, wires = rate("BW_mem"), rate("P_bf16"), rate(BW_Int=9.09e11)
    assert bandwidth > wires > arithmetic == rate()
    assert 100 * (bandwidth / rate() - 1) == pytest.approx(0.894, abs=0.01)
