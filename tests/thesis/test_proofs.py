"""Each line of each proof follows from those before it: by algebra, or at random sizes past a maximum or a limit."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, diff, oo, simplify

from analysis.ask.numbers import value
from analysis.derive.attention import MECHANISMS
from analysis.derive.statements.proof_of_tensor import even_batch, tensor_parallel_change
from analysis.derive.symbols import (
    BY_NAME,
    B,
    BW_Int,
    BW_mem,
    L,
    L_top,
    M_cap,
    M_free,
    N_hd,
    N_MoE,
    P_acc,
    P_exp,
    T_e,
    acceptance,
    d_emb,
    d_hd,
    d_KVco,
    d_nope,
    d_Qco,
    d_RoPE,
    d_v,
    deg_DP,
    deg_EP,
    deg_TP,
    l,
    n_acc,
    n_dec,
    n_e,
    n_hd,
    n_k,
    width_weights,
)
from analysis.render.proofs import PROOFS, REORDERED

sizes = st.integers(0, 2**32 - 1)


@cache
def lines(name: str) -> list:
    return [step.form for step in PROOFS[name]()]


@cache
def same(one, other) -> bool:
    return simplify(one - other) == 0


def drawn(seed: int) -> dict:
    """A size of 2 to 1000 for every symbol; no proof leans on what a size is."""
    from random import Random

    made = Random(seed)
    return {symbol: made.randint(2, 1000) for symbol in BY_NAME.values()}


@settings(max_examples=25)
@given(sizes)
def test_full_memory(seed):
    moved, cached, share, holding, reading, over, time = lines("full-memory")
    point, endless = drawn(seed), {L: 1e30}
    assert share == 1
    assert value(moved / cached, point | endless) == pytest.approx(1)
    assert same(n_dec * cached.subs(B, holding), M_free)
    assert same(reading, M_free / BW_mem)
    intensity = value(over, point | {P_acc: 1e-9}) * 1e-9 / point[BW_mem]
    assert value(over, point) == pytest.approx(max(1, intensity * point[BW_mem] / point[P_acc]))
    filled = point | endless | {B: value(holding, point | endless)}
    assert value(time, point) == pytest.approx(value(n_dec * moved / BW_mem * over, filled))


def test_balance():
    expert, dense, ratio, reached, groups, spanning = lines("balance")
    assert same(ratio, expert / dense)
    assert not ratio.has(B)
    assert same(ratio.subs(deg_DP, groups), 1)
    assert same(spanning, groups.subs(deg_EP, n_acc))
    by_hand = {n_e: 8, n_k: 2, B: 3, l: 1, deg_EP: 4, n_acc: 4}  # three tokens miss an expert with chance (3/4)^3
    assert reached.subs(by_hand) == 1 - Integer(27) / 64


def test_device():
    waits, computes, ratio, even = lines("device")
    assert same(ratio, waits / computes)
    intensity = computes * P_exp / (waits * BW_mem)  # FLOPs over bytes
    assert same(ratio, even / intensity)


@cache
def whole_block():
    return even_batch(tensor_parallel_change(MECHANISMS["MLA"], REORDERED, deg_TP))


@settings(max_examples=25)
@given(sizes)
def test_tensor(seed):
    work, kept, moved, cache, intensity, divided, spared, added, even = lines("tensor")
    point = drawn(seed)
    alone, endless = point | {deg_TP: 1}, {L: 1e30}
    assert kept == 1
    assert value(work, point) == pytest.approx(value(work, alone))
    assert value(moved, point | endless) / value(moved, alone | endless) == pytest.approx(value(cache, point))
    assert same(intensity, kept / cache)
    assert spared.subs(deg_TP, 1) == added.subs(deg_TP, 1) == 0
    assert same(spared.subs(deg_TP, 4) / spared.subs(deg_TP, 2), (1 - Integer(1) / 4) / (1 - Integer(1) / 2))
    assert same(spared, added.subs(B, even / L))
    by_hand = n_hd * (d_KVco * (d_nope + d_v) + d_Qco * (d_nope + d_RoPE) + d_v * d_emb)
    assert same(divided, by_hand)  # keys, values and the output; the query's up-projections
    solved = whole_block() * L
    whole = {symbol: Integer(size) for symbol, size in (point | {BY_NAME["alpha"]: 0}).items()}
    exact = solved.xreplace(whole | {L: Integer(10) ** 40})
    assert float(exact) == pytest.approx(value(even, point | {N_hd: value(divided, point)}))


def test_elasticity():
    time, *shares, whole = lines("elasticity")
    for rate, share in zip((P_acc, BW_mem, BW_Int), shares, strict=True):
        assert same(share, -rate * diff(time, rate))
    assert same(sum(shares), time)
    assert whole == 1


def test_attribution():
    step, latent, spread, alone, gain, interaction, best, least, whole, cancelling = lines("attribution")
    assert same(step, M_cap / BW_mem)
    assert same(latent.subs(deg_TP, n_acc) * n_acc, spread)  # divided as far as experts are, but n_acc caches kept
    assert alone == 1
    assert same(interaction, spread / latent / alone)
    assert same(diff(interaction, deg_TP).subs(deg_TP, best), 0)
    assert same(least, interaction.subs(deg_TP, best))
    assert same(whole, interaction.subs(deg_TP, 1))
    weights = N_MoE * n_dec * width_weights
    assert same(best.subs(M_cap, 2 * weights), 1)
    assert same(whole.subs(M_cap, 2 * weights), 2 - 1 / n_acc)
    assert same(whole.subs(M_cap, 11 * weights).limit(n_acc, oo), Integer(11) / 10)
    assert same(gain, 2 * n_hd * d_hd / (d_KVco + d_RoPE))
    assert same((least / gain).limit(n_acc, oo).subs(M_cap, cancelling), 1)


def test_queries():
    exact, endless, ratio, meets, tokens, most, beyond, computing = lines("queries")
    assert same(exact.limit(L, oo), endless)
    assert same(ratio, endless / endless.subs(l, 1))
    assert same(endless.subs(l, meets), BY_NAME["RP_acc"])
    assert same(tokens.subs(l, 3), 1 + acceptance + acceptance**2)
    assert same(most - tokens, acceptance**l * most)
    assert same(beyond, tokens / (l / meets))
    assert same(computing, tokens / l)


def test_schedule():
    tokens, slope, most, degree, batch, time, received = lines("schedule")
    assert same(slope, diff(tokens, deg_EP))
    assert same(most, tokens.subs(deg_EP, n_acc))
    assert same(tokens.subs(deg_EP, degree), T_e)
    width, ridge = BY_NAME["width_weights"], BY_NAME["RP_acc"]
    assert same(most.subs(B, batch), ridge * width / Integer(2))  # 2 FLOP to each weight of `width` bytes
    assert {n_e, n_k} <= tokens.free_symbols
    busy = {BY_NAME["Gamma_imb"]: 3, P_acc: 1, BW_mem: 1} | dict.fromkeys(BY_NAME.values(), 2)
    even = busy | {BY_NAME["Gamma_imb"]: 1}
    assert value(time, even) <= value(time, busy) <= 3 * value(time, even)
    assert received == BY_NAME["Gamma_acc"]


def test_index_traffic():
    keys, rows, picked, border = lines("index-traffic")
    assert same(keys.subs(L, border), picked)
    assert same(rows.subs({L: 10 * L_top, l: 1}), picked.subs(l, 1))


def test_state_traffic():
    state, moved, cache, border = lines("state-traffic")
    assert same(moved, 2 * state)
    assert same(cache.subs(L, border), moved)
    assert same(cache.subs(L, border / 2), state)


def test_wires_hidden():
    sent, experts, ratio, even = lines("wires-hidden")
    assert same(ratio, sent / experts)
    assert same(ratio.subs(P_acc, even * BW_Int), 1)


def test_every_proof_is_checked_here():
    assert {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")} >= set(
        PROOFS
    )
