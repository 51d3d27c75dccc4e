"""The graph of a block says what its text says, and running it in the graph's order gives what the block computes."""

import re
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from sympy import Integer

from analysis.derive.attention import MECHANISMS, MLA
from analysis.derive.block import Architecture, Conventions, FeedForward, Kind, feedforward_stages
from analysis.derive.flow import Box, Store, attention_flow, block_flow
from analysis.measure.execute import execute

from .small import GROUPING, ORDERED, ORDERED_IDS, few, many
from .test_values import SEEDS, SIZES, latent_inputs, scaled_softmax

BLOCKS = [Architecture(name, experts=True, shared=True) for name in MECHANISMS] + [Architecture("MHA", ffn="plain")]


def texts_of(mechanism, order):
    """The text of a block, as its author wrote it."""
    core, rest = mechanism.core_text[order], mechanism.decompression_text.get(order, "")
    return "\n".join((mechanism.projections_text, rest, core, mechanism.output_text))


def read_by_hand(text):
    """(made, used) of every row of a text, by splitting at blanks and brackets only."""
    rows = [re.sub(r"\[[^]]*\]", "", row).split("=") for row in text.splitlines() if row.strip()]
    return [(left.strip(), tuple(right.split())) for left, right in rows]


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
def test_edges_are_those_that_the_text_says(mechanism, order):
    rows = read_by_hand(texts_of(mechanism, order))
    wanted = set()
    for row in rows:
        for operand in row[1]:
            makers = [other for other in rows if other[0] == operand]
            wanted |= {(maker, row) for maker in makers} or {(operand, row)}
        if row[0].endswith("_new"):
            wanted.add((row, row[0][: -len("_new")]))
    copy, _, kept = mechanism.shared_key.partition("=")
    wanted |= {(kept, copy)} if any(copy in row[1] for row in rows) else set()

    def written(place):
        if isinstance(place, Store):
            return place.tensor.name
        return place.line.made.name, tuple(tensor.name for tensor in place.line.used)

    found = attention_flow(mechanism, Conventions(order)).edges
    assert {(written(source), written(target)) for source, target in found} == wanted
    assert len(found) == len(wanted)


def roles(flow, box):
    """Where each operand of a box comes from, by name: the sources' roles, `made` for boxes."""
    found = defaultdict(set)
    for source in flow.into(box):
        found[source.tensor.name].add(source.role if isinstance(source, Store) else "made")
    return found


@pytest.mark.parametrize("grouping", GROUPING)
@pytest.mark.parametrize("architecture", BLOCKS, ids=lambda each: f"{each.attention}-{each.ffn}")
def test_every_operand_is_made_cached_a_weight_or_an_input(architecture, grouping):
    for order in architecture.mechanism.orders:
        flow = block_flow(architecture, Conventions(order, grouping))
        for box in flow.boxes:
            found = roles(flow, box)
            assert set(found) == {tensor.name for tensor in box.line.used}
            assert all(len(kinds) == 1 for kinds in found.values()), box.line
            for tensor in box.line.used:
                assert ("weights" in found[tensor.name]) == tensor.name.startswith("W_")


@pytest.mark.parametrize("architecture", BLOCKS, ids=lambda each: f"{each.attention}-{each.ffn}")
def test_nothing_that_is_made_is_lost(architecture):
    """Every tensor goes on, or is what the block returns; the flow has every line of the block once."""
    flow = block_flow(architecture, Conventions())
    sources = {source for source, _ in flow.edges}
    assert set(flow.boxes) <= sources
    written = feedforward_stages(architecture)
    wanted = "routed" if architecture.experts else "dense"
    lines = sum(len(k.lines) for name, ks in written.items() for k in ks if (name != "dense") == (wanted == "routed"))
    lines += len(read_by_hand(texts_of(architecture.mechanism, "as_printed")))
    assert len(flow.boxes) == len(set(flow.boxes)) == lines


def test_experts_get_their_tokens_by_the_router_and_the_shared_expert_without():
    flow = block_flow(Architecture("MLA", experts=True, shared=True))
    reached = {store: {source.tensor.name for source in flow.into(store)} for store in flow.stores}
    by_role = {store.role: names for store, names in reached.items()}
    assert by_role["dispatched"] == {"y", "r"}
    assert by_role["joined"] == {"y"}
    assert by_role["output"] == {"y"}
    assert [len(flow.into(store)) for store in flow.stores if store.role == "output"] == [2]


@pytest.mark.parametrize("grouping", GROUPING)
def test_streams_pass_by_each_half(grouping):
    """A site weighs them for attention and mixes what it gives; the other does so around the experts."""
    kind = Kind(Integer(1), MLA, FeedForward(experts=True, shared=True))
    built = Architecture.of_kinds(kind, vectors=("hyper_connections",))
    flow = block_flow(built, Conventions("reordered", grouping))
    sites = [box for box in flow.boxes if box.stage == "streams"]
    assert len(sites) == 2 * (5 + 2)
    assert len(flow.boxes) == len(sites) + len(block_flow(replace(built, vectors=())).boxes)
    reached = {store.role: {source.tensor.name for source in flow.into(store)} for store in flow.stores}
    assert reached["normed"] == {"x"}
    assert reached["dispatched"] == {"x", "r"}
    assert reached["output"] == {"X_new"}
    assert [store.tensor.name for store in flow.stores if store.role == "input"] == ["X"]
    position = {box: number for number, box in enumerate(flow.ordered())}
    inner = {"attention": "core", "feed-forward": "routed"}
    for box in sites:
        half = box.kernel.name.split(":")[0].split(" ")[1]
        used = {source.tensor.name: source for source in flow.into(box)}
        streams = [used[name] for name in ("X", "X_new") if name in used]
        assert all(isinstance(each, Store if half == "attention" else Box) for each in streams)
        between = [position[each] for each in flow.boxes if each.stage == inner[half]]
        assert box.tensor.name not in ("m", "x") or position[box] < min(between)
        assert "y" not in used or position[box] > max(between)
    given = {
        source.kernel.name.split(":")[0] for box in sites for source in flow.into(box) if source.tensor.name == "y"
    }
    assert given == {"output", "routed", "shared"}


def test_only_the_chosen_half_is_drawn():
    both = Architecture("GQA", dense=True, experts=True)
    assert {box.stage for box in block_flow(both, experts=False).boxes} >= {"dense"}
    assert not {"routed", "router"} & {box.stage for box in block_flow(both, experts=False).boxes}
    assert "dense" not in {box.stage for box in block_flow(both).boxes}


@pytest.mark.parametrize(("mechanism", "order"), ORDERED, ids=ORDERED_IDS)
def test_the_order_of_execution_respects_every_edge(mechanism, order):
    flow = attention_flow(mechanism, Conventions(order))
    position = {box: number for number, box in enumerate(flow.ordered())}
    assert set(position) == set(flow.boxes)
    for source, target in flow.edges:
        if isinstance(source, Box) and isinstance(target, Box):
            assert position[source] < position[target]


def run(flow, arrays, step):
    """The boxes one after another in the graph's order, each by itself, on what is there by then."""
    found, waiting = dict(arrays), defaultdict(int)
    for box in flow.ordered():
        waiting[box.tensor.name] += 1
    for box in flow.ordered():
        operands = {tensor.name: found[tensor.name] for tensor in box.line.used}  # KeyError: used before it was made
        assert not any(waiting[name] for name in operands), "used before it was complete"
        made = execute([box.line], operands)[box.tensor.name]
        name = box.tensor.name
        found[name] = found.get(name, 0) + made
        waiting[name] -= 1
        if not waiting[name] and name in step:
            found[name] = step[name](found[name])
    return found


@pytest.mark.parametrize("mechanism", [m for m in MECHANISMS.values() if m.latent], ids=lambda m: m.name)
@few
@given(sizes=SIZES, seed=SEEDS)
def test_both_orders_give_equal_values_along_their_graphs(mechanism, sizes, seed):
    for_reordered, for_printed = latent_inputs(mechanism, sizes, seed)
    step = scaled_softmax(0.3)
    printed = run(attention_flow(mechanism, Conventions("as_printed")), for_printed, step)
    reordered = run(attention_flow(mechanism, Conventions("reordered")), for_reordered, step)
    np.testing.assert_allclose(reordered["y"], printed["y"], rtol=1e-10, atol=1e-10)


@many
@given(sizes=SIZES, seed=SEEDS)
def test_the_graph_computes_what_the_lines_compute(sizes, seed):
    arrays, _ = latent_inputs(MLA, sizes, seed)
    flow = attention_flow(MLA, Conventions("reordered", "layered"))
    whole = execute([box.line for box in flow.boxes], arrays, scaled_softmax(1))
    np.testing.assert_allclose(run(flow, arrays, scaled_softmax(1))["y"], whole["y"], rtol=1e-12)
