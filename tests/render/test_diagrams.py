"""Diagrams: boxes say what the layers cost, shapes are those of one accelerator, nothing lies on anything else."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.einsum import tensor
from analysis.derive.parallel import sharded
from analysis.derive.symbols import BW_mem, P_acc
from analysis.render import layered, style
from analysis.render.figures import flows as figures
from analysis.render.layered import layers_of, layout
from analysis.systems import flows
from analysis.systems.layers import layers, numbers

SYSTEM = {"accelerator": "b200-paper", "B": 4096, "L": 4096, "n_acc": 32}
many = settings(max_examples=60, deadline=None, derandomize=True, database=None)
MODELS = ("deepseek-v3", "llama-4-maverick", "gpt3-175b", "deepseek-v2-lite")
COUNTED = (*MODELS, "deepseek-v4-flash")  # which has streams, sizes of its kinds, and a drawing that takes seconds


def setting(model="deepseek-v3", **more):
    return Setting.of(**({"model": model} | SYSTEM | more))


# -- numbers -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("grouping", ["fused", "layered", "spilled"])
@pytest.mark.parametrize("model", COUNTED)
def test_boxes_add_up_to_the_layers(model, grouping):
    chosen = setting(model, grouping=grouping)
    costs = flows.kernel_numbers(chosen, flows.block(chosen))
    for stage in {stage for stage, _ in costs}:
        layer = numbers(layers(chosen)[stage], chosen.point)
        for name in ("flops", "bytes", "time"):
            assert math.fsum(each[name] for key, each in costs.items() if key[0] == stage) == pytest.approx(layer[name])
    assert math.fsum(each["share"] for each in costs.values()) == pytest.approx(1)


@pytest.mark.parametrize("phase", ["decode", "prefill"])
@pytest.mark.parametrize("model", MODELS)
def test_a_box_waits_for_what_its_time_consists_of(model, phase):
    """The roofline time is bytes over bandwidth where a kernel waits for memory, FLOPs over peak where for compute."""
    chosen = setting(model, phase=phase, B=512)
    peak, bandwidth = float(chosen.point[P_acc]), float(chosen.point[BW_mem])
    for each in flows.kernel_numbers(chosen, flows.block(chosen)).values():
        wanted = each["bytes"] / bandwidth if each["bound"] == "memory" else each["flops"] / peak
        assert each["time"] == pytest.approx(wanted, rel=1e-12)


def test_in_prefill_the_core_waits_for_compute_and_in_decode_as_printed_for_memory():
    printed = setting(order="as_printed")
    assert flows.kernel_numbers(printed, flows.attention(printed))["core", "core"]["bound"] == "memory"
    prompt = setting(phase="prefill", B=32)
    assert flows.kernel_numbers(prompt, flows.attention(prompt))["core", "core"]["bound"] == "compute"


@pytest.mark.parametrize("model", COUNTED)
def test_lines_of_a_kernel_share_its_operations(model):
    chosen = setting(model, deg_TP=2)
    rows = flows.flow_rows(chosen, flows.block(chosen))
    for kernel in set(rows["kernel"]):
        own = [n for n, name in enumerate(rows["kernel"]) if name == kernel]
        assert math.fsum(rows["line_flops"][n] for n in own) == pytest.approx(rows["flops"][own[0]])


# -- shapes ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("degree", [1, 4, 8, 16])
@pytest.mark.parametrize("text", ["k[B L n_kv d_hd]", "q[B l n_kv deg_grp d_hd]", "W_up[n_act d_emb d_MoE]"])
def test_shapes_of_one_accelerator_have_its_sizes(text, degree):
    """Reading the words back as arithmetic gives the sizes that the substitution gives."""
    point = setting("llama-4-maverick", deg_TP=degree).point
    given_tensor = tensor(text)
    for axis, words in zip(given_tensor.axes, flows.shape(given_tensor, point), strict=True):
        wanted = sharded().get(axis, axis)
        if axis in wanted.free_symbols and axis in point:
            names = {symbol.name: float(number) for symbol, number in point.items() if not isinstance(number, str)}
            factors = words.split("/")
            found = math.prod(names.get(part) or float(part) for part in factors[0].split("*"))
            found /= math.prod(names[part] for part in factors[1:])
            assert found == pytest.approx(float(value(wanted, point)))
        else:
            assert words == axis.name


def test_tensor_parallelism_leaves_the_latent_cache_whole():
    latent, grouped = (figures.degree_panels([setting(model, deg_TP=8)])[-1] for model in MODELS[:2])
    assert not any(figures.divided_by_TP(latent, store.tensor) for store in latent.flow.stores if store.role == "cache")
    assert all(figures.divided_by_TP(grouped, store.tensor) for store in grouped.flow.stores if store.role == "cache")


# -- layout ------------------------------------------------------------------------------------------
@st.composite
def graphs(draw):
    count = draw(st.integers(1, 9))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    return {node: (draw(st.integers(5, 60)), draw(st.integers(5, 60))) for node in range(count)}, edges


@many
@given(graphs())
def test_nodes_keep_apart_and_edges_go_down(graph):
    sizes, edges = graph
    found = layout(sizes, edges)
    assert found == layout(sizes, edges)
    for a in sizes:
        assert found.centre[a] - sizes[a][0] / 2 >= -1e-6
        assert found.centre[a] + sizes[a][0] / 2 <= found.size[0] + 1e-6
        for b in sizes:
            beside = abs(found.centre[a] - found.centre[b]) >= (sizes[a][0] + sizes[b][0]) / 2
            above = found.top[a] + sizes[a][1] <= found.top[b] or found.top[b] + sizes[b][1] <= found.top[a]
            assert a == b or beside or above
    for (source, target), way in found.ways.items():
        heights = [y for _, y in way]
        assert heights == sorted(heights)
        assert way[0] == (found.centre[source], found.top[source] + sizes[source][1])
        assert way[-1] == (found.centre[target], found.top[target])


@many
@given(graphs(), st.integers(1, 4))
def test_layers_hold_few_nodes_and_stand_below_what_they_need(graph, columns):
    sizes, edges = graph
    level = layers_of(list(sizes), edges, columns)
    assert all(level[source] < level[target] for source, target in edges)
    assert max(list(level.values()).count(number) for number in level.values()) <= columns


def test_a_layer_that_many_edges_pass_is_ordered_without_trying_every_order():
    """Twelve edges, their ends turned around: half a billion orders, of which one crosses none."""
    first, last = [f"a{n}" for n in range(12)], [f"z{n}" for n in range(12)]
    found = layout(dict.fromkeys([*first, *reversed(last)], (10, 5)), list(zip(first, last, strict=True)), columns=12)
    assert [found.centre[each] for each in first] == pytest.approx([found.centre[each] for each in last])


def test_edges_of_one_source_share_their_lane():
    sizes = dict.fromkeys("abcd", (10, 10))
    found = layout(sizes, [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d")])
    assert set(found.ways["a", "c"][1:-1]) <= set(found.ways["a", "d"])
    assert layered.LANE > 0


# -- the drawing -------------------------------------------------------------------------------------
@pytest.mark.parametrize("grouping", ["fused", "layered"])
@pytest.mark.parametrize("model", MODELS)
def test_every_line_and_every_leaving_tensor_is_written(model, grouping):
    style.use()
    panels = figures.block_panels(setting(model, grouping=grouping))
    figure = figures.flow_figure(panels)
    texts = " ".join(text.get_text() for text in figure.axes[0].texts)
    for box in panels[0].flow.boxes:
        assert f"{' '.join(t.name for t in box.line.used)}" in texts
        for used in box.line.used:
            assert used.kind != "weights" or f"{used.name}[" in texts
    style.pyplot.close(figure)


def test_titles_state_what_is_found():
    core = flows.kernel_numbers(setting(), flows.attention(setting()))["core", "core"]["intensity"]
    title = figures.flow_figure(figures.order_panels(setting())).get_suptitle()
    assert title.replace("\n", " ").endswith(f"from 1 to {core:.0f} FLOP/byte")
    caption, alt = figures.describe_flow(figures.order_panels(setting()))
    assert "deg_TP=1" in caption
    assert "without reordering: 7 kernels for memory" in alt
