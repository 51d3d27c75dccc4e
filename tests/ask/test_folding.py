"""Long arrays: forms folded into blocks give what sympy's own function gives point by point."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Max, Min, lambdify

from analysis.ask import folding
from analysis.ask.numbers import compiled, value
from analysis.ask.programs import read
from analysis.ask.written import written
from analysis.derive.symbols import B, L, causal, n_e, n_k
from analysis.files.errors import InputError
from analysis.systems.quantities import all_quantities
from tests.systems.test_doors import any_setting

POINTS = 80


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    """Blocks that do not divide the points."""
    monkeypatch.setattr(folding, "BLOCK", 32)


def one_by_one(form, point, make=written):
    symbols = compiled(form)[1]
    function = make(form, symbols)
    columns = [np.broadcast_to(np.asarray(point[symbol], dtype=float), POINTS).tolist() for symbol in symbols]
    with np.errstate(all="ignore"):
        return np.array([function(*each) for each in zip(*columns, strict=True)], dtype=float)


def forms_in(setting):
    """Every closed form of a setting, by quantity and part."""
    for quantity in all_quantities():
        try:
            form = (quantity.uses or quantity.expression)(setting)
        except (InputError, TypeError):
            continue
        yield from form.items() if isinstance(form, dict) else [(quantity.name, form)]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_any_form_over_any_of_its_symbols_is_that_of_single_points(seed):
    """Of its program, which below is sympy's function to the last bit."""
    draw, random_numbers, folded = random.Random(seed), np.random.default_rng(seed), 0
    setting = any_setting(draw)
    for name, form in forms_in(setting) if setting else ():
        symbols = sorted(form.free_symbols & set(setting.point), key=str)
        if not symbols or form.free_symbols - set(setting.point):
            continue
        varying = draw.sample(symbols, draw.randint(1, min(4, len(symbols))))
        shaken = {s: setting.point[s] * random_numbers.uniform(0.5, 2, POINTS) for s in varying}
        found = value(form, setting.point | shaken)
        wanted = one_by_one(form, setting.point | shaken, lambda form, _: compiled(form)[0])
        scale = np.maximum(np.abs(wanted), np.nanmedian(np.abs(wanted)))  # a form may cross zero
        assert np.all((found == wanted) | (np.abs(found - wanted) <= 1e-12 * scale)), (name, varying, setting.given)
        folded += 1
    assert folded or not setting


x, y, z = np.random.default_rng(0).uniform(0.1, 9, (3, POINTS))
CASES = [
    (Max(B, L) - Max(B, L, 3), {B: x, L: y}),
    (Max(2 * B + L, 3 * B) * n_e + n_k, {B: x, L: y, n_e: 3.0, n_k: 1.0}),
    (Max(2 * B + L, 3 * B, evaluate=False) * n_e, {B: x - 5, L: y - 5, n_e: -3.0}),  # no symbol is so, numbers are
    (Max(B * n_e, 1e9 * (L - 3)), {B: x, L: y, n_e: 1e-9}),
    (Min(B, L) / (B + L) ** 2, {B: x, L: y}),
    (B**3 / L + L**-2 + (B + L) ** 0.5 + B**L + (-L) ** 2, {B: x, L: y}),
    (1 - (1 - n_k / n_e) ** B, {B: x, n_k: 8.0, n_e: 256.0}),
    (1 - (1 - n_k / n_e) ** B, {B: x, n_k: 8.0, n_e: 8.0}),
    (1 - (1 - n_k / n_e) ** B, {B: x, n_k: y, n_e: 16.0}),
    (B / L, {B: x, L: 1e300 * y}),
    (B, {B: x}),
    (causal * B - B, {B: x, causal: 1.0}),
    ((B - L) * (B + L) * (B - n_e), {B: x, L: y, n_e: z}),
]


@pytest.mark.parametrize(("form", "point"), CASES, ids=[str(form) for form, _ in CASES])
def test_a_form_is_that_of_single_points(form, point):
    before = {symbol: np.copy(each) for symbol, each in point.items()}
    plain = one_by_one(form, point, lambda form, symbols: lambdify(symbols, form, modules="numpy"))
    assert value(form, point) == pytest.approx(plain, rel=1e-12, abs=1e-300)
    assert all(np.array_equal(before[symbol], point[symbol]) for symbol in point)  # nothing is computed in its place


def test_arrays_of_several_axes_keep_their_shape_and_grids_are_not_blown_up():
    square = {B: x.reshape(8, 10), L: y.reshape(8, 10)}
    assert np.array_equal(value(B * L, square), (x * y).reshape(8, 10))
    assert value(B * L, {B: x[:, None], L: y[None, :]}).shape == (POINTS, POINTS)


@pytest.mark.parametrize("seed", range(5))
def test_a_program_is_the_function_to_the_last_bit(seed):
    draw = random.Random(seed)
    setting = next(each for each in (any_setting(draw) for _ in range(20)) if each)
    for name, form in forms_in(setting):
        program, symbols = compiled(form)
        if set(symbols) <= set(setting.point):
            point = [float(setting.point[symbol]) for symbol in symbols]
            assert program(*point) == written(form, symbols)(*point), name


@pytest.mark.parametrize("made", ["g(x)", "x.y", "z", "x if x else 1", "True", "'x'"])
def test_what_is_no_arithmetic_is_no_program(made):
    assert read(f"def f(x):\n    return {made}") is None
