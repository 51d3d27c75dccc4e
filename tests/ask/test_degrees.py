"""Which degrees can be built: against heads laid out by hand, and all who choose degrees against one another."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ask.asked import fitting
from analysis.ask.degrees import check_degrees, divides_experts, divides_heads, spreads
from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.systems.arrangements import fitting_degree
from analysis.systems.plan import candidates
from analysis.systems.reordered import buildable

ROOT = Path(__file__).resolve().parents[2]


def _sources(room: str) -> list[Path]:
    return sorted((ROOT / "analysis" / room).rglob("*.py"))


USED = ("n_hd", "n_kv", "deg_EP", "n_acc", "n_e")
ASKING = [path for room in ("systems", "sweeps", "thesis", "render", "book", "cli") for path in _sources(room)]
COUNTS = {"group", "n_acc", "n_hd", "n_kv", "n_e", "deg_TP", "deg_EP", "TP", "EP", "count", "heads", "experts"}


def laid_out(TP: int, heads: int, kv_heads: int) -> bool:
    """Query heads in their order over TP accelerators: each has as many, and either whole key-value heads or one."""
    if heads % TP:
        return False
    group, each = heads // kv_heads, heads // TP
    held = [[head // group for head in range(i * each, (i + 1) * each)] for i in range(TP)]
    whole = all(len(one) == len(set(one)) * group for one in held)
    return whole or all(len(set(one)) == 1 for one in held)


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 12))
def test_heads_are_divided_where_they_can_be_laid_out(TP, kv_heads, group):
    assert bool(divides_heads(TP, group * kv_heads, kv_heads)) == laid_out(TP, group * kv_heads, kv_heads)


@given(st.integers(1, 64), st.integers(1, 64))
def test_experts_are_spread_where_groups_hold_each_once(experts, count):
    by_hand = [EP for EP in range(1, count + 1) if experts // EP * EP == experts and count // EP * EP == count]
    assert spreads(experts, count) == by_hand
    assert all(divides_experts(EP, experts, count) for EP in by_hand)


def _allowed(setting: Setting) -> bool:
    try:
        check_degrees(setting.numbers, USED)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("model", ["deepseek-v3", "gpt-oss-120b", "llama-3.1-70b", "glm-4.5", "mixtral-8x7b"])
@pytest.mark.parametrize("count", [6, 12, 32])
def test_a_plan_offers_what_evaluate_admits_and_nothing_else(model, count):
    asked = Setting.of(model=model, accelerator="b200-sxm", n_acc=count, L=4096)
    offered = {(each["deg_TP"], each.get("deg_EP")) for each in candidates(asked)}
    EPs = range(1, count + 1) if asked.model.n_moe else [None]
    every = [asked.with_(deg_TP=TP, deg_EP=EP) for TP in range(1, count + 1) for EP in EPs]
    assert offered == {(each["deg_TP"], each["deg_EP"]) for each in every if _allowed(each)}
    chosen = fitting(asked)
    assert _allowed(chosen.with_(deg_TP=fitting_degree(chosen, 4096)))


def test_groups_of_the_fast_link_hold_whole_tensor_parallel_groups():
    groups = {"accelerator": "b200-sxm", "n_acc": 24, "group": 12, "link_between": "ib-xdr", "model": "llama-3.1-70b"}
    assert {each["deg_TP"] for each in candidates(Setting.of(**groups, L=4096))} == {1, 2, 4}
    with pytest.raises(InputError, match=r"deg_TP=8: tensor-parallel groups must lie inside one group=12"):
        _ = Setting.of(**groups, deg_TP=8).point


def test_the_figure_over_degrees_keeps_those_that_can_be_built():
    assert buildable(Setting.of(model="llama-3.1-70b"), np.array([1, 3, 8, 16, 48])).tolist() == [1, 8, 16]


def _names(node: ast.AST) -> set[str]:
    found = (getattr(each, "id", getattr(each, "attr", getattr(each, "value", ""))) for each in ast.walk(node))
    return {each for each in found if isinstance(each, str)}


def test_nobody_else_divides_accelerators_heads_or_experts():
    found = []
    for path in ASKING:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _names(node) & COUNTS:
                found.append(f"{path}:{node.lineno} {ast.unparse(node)}")
    assert not found
