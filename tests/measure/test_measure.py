"""Timing on the reader's machine: results agree with float64, and sweeps hold what they should.

Sizes are tiny: what is tested is that the right thing is timed, not how fast it is.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.derive.symbols import BY_NAME
from analysis.measure import layouts, measuring, shapes
from analysis.measure.cases import Case, attention, experts, fitting, gemm
from analysis.measure.checking import agrees, comparable, error, reference
from analysis.measure.execute import execute, softmax
from analysis.measure.numpy_kernels import NumpyBackend
from analysis.measured.kernel_rows import STATES
from tests.measure.measure_cases import LATENT, beside, small_cases


@pytest.fixture
def backend() -> NumpyBackend:
    return NumpyBackend(room=1e8, blas="some BLAS")


def ids(case: Case) -> str:
    return case.kind


# -- results ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", small_cases(), ids=ids)
def test_a_kernel_gives_what_the_lines_give(backend, case):
    given = backend.allocate(case)
    for kernel in backend.kernels(case):
        run = kernel.prepare(given)
        run()
        assert agrees(case, error(case, given, run(), backend.as_float64)), "the second run must not see the first"


@pytest.mark.parametrize("case", [case for case in small_cases() if case.lines], ids=ids)
def test_every_entry_is_right_not_only_those_that_are_checked(backend, case):
    given = backend.allocate(case)
    (kernel,) = backend.kernels(case)
    kept = {name: array.astype(float) for name, array in layouts.views(case, given).items()}
    made = comparable(case, kept, layouts.views(case, kernel.prepare(given)()))
    expected = comparable(case, kept, reference(case, kept))
    for name, found in made.items():
        np.testing.assert_allclose(found, expected[name], rtol=2e-4, atol=1e-5)


def test_both_orders_of_the_latent_mechanism_time_the_same_function(backend):
    cases = {(case.operation, case.row["order"]): case for case in small_cases() if case.row.get("mechanism") == "MLA"}
    shape = {BY_NAME[name]: size for name, size in cases["core_attention", "reordered"].sizes.items()}
    random = np.random.default_rng(1)

    def array(text: str) -> np.ndarray:
        return random.normal(size=[shape[BY_NAME[axis]] for axis in text.split()])

    axes = {
        "q_N": "B l n_hd d_nope",
        "q_R": "B l n_hd d_RoPE",
        "c_KV": "B L d_KVco",
        "k_R": "B L d_RoPE",
        "W_DK": "d_KVco n_hd d_nope",
        "W_DV": "d_KVco n_hd d_v",
    }
    arrays = {name: array(text) for name, text in axes.items()}
    copied = np.repeat(arrays["k_R"][:, :, None], 4, axis=2)
    printed, reordered = (
        [line for stage in ("decompression", "core_attention") for line in cases[stage, order].lines]
        for order in ("as_printed", "reordered")
    )
    without = {name: each for name, each in arrays.items() if name != "k_R"} | {"k_copy": copied}
    np.testing.assert_allclose(
        execute(printed, without, {"S": softmax})["o"], execute(reordered, arrays, {"S": softmax})["o"]
    )


@pytest.mark.parametrize("case", small_cases(), ids=ids)
def test_a_wrong_entry_is_seen(backend, case):
    given = backend.allocate(case)
    made = {name: np.array(array) for name, array in backend.kernels(case)[0].prepare(given)().items()}
    first = next(iter(made.values()))
    first[(0,) * first.ndim] += 1 + abs(first[(0,) * first.ndim])
    assert not agrees(case, error(case, given, made, backend.as_float64))


def test_a_kernel_that_is_wrong_is_not_timed(backend, monkeypatch):
    (right,) = backend.kernels(gemm("fp32", 5, 6, 7))
    wrong = replace(right, prepare=lambda given: lambda: {"Y": given["X"] @ given["W"] * np.nan})
    monkeypatch.setattr(backend, "kernels", lambda case: [wrong])
    found = measuring.measure([gemm("fp32", 5, 6, 7)], backend, "a-machine", budget=0)
    assert not found.rows
    assert "is off by nan" in found.wrong[0]


# -- shapes and sweeps ------------------------------------------------------------------------------------------------
@given(B=st.integers(1, 3), L=st.integers(1, 9), n_hd=st.integers(1, 4))
def test_layouts_hold_every_tensor_of_the_lines_in_their_order(B, L, n_hd):
    for case in attention("MLA", "fp32", {"B": B, "L": L, "n_hd": n_hd} | LATENT):
        given, made = layouts.shapes(case)
        arrays = {name: np.zeros(shape) for name, shape in (given | made).items()}
        tensors = case.inputs | case.outputs
        assert {name: view.shape for name, view in layouts.views(case, arrays).items()} == {
            name: case.shape(tensor) for name, tensor in tensors.items()
        }


def test_a_case_counts_the_memory_that_it_needs():
    assert gemm("fp32", 5, 6, 7).bytes_held == 4 * (5 * 6 + 6 * 7 + 5 * 7)
    assert experts("bf16", 2, 3, {"d_emb": 10, "d_MoE": 7}).bytes_held == 2 * 2 * (3 * 10 * 2 + 3 * 7 + 3 * 70)


def test_cells_that_do_not_fit_are_counted():
    cases = [Case.of("read", "fp32", bytes=size) for size in (8, 16, 32)]
    assert fitting(cases, room=16) == (cases[:2], 1)


@pytest.mark.parametrize("quick", [True, False])
def test_working_sets_of_the_cpu_sweep_exceed_the_last_level_cache(quick):
    cache = 32 * 2**20
    cases = shapes.cpu_cases(quick, cache)
    kinds = {case.kind for case in cases}
    assert {"gemm", "read", "copy", "experts"} < kinds
    assert {f"core_attention {name}" for name in ("MHA", "GQA", "MLA as_printed", "MLA reordered")} < kinds
    assert {f"{what} {name}" for what in ("index", "select", "core_attention") for name in ("DSA", "MSA")} < kinds
    assert {f"{what} {name}" for what in STATES for name in ("GDN", "KDA", "Mamba2")} < kinds
    many = [case for case in cases if case.operation == "core_attention" and case.row["B"] > 1]
    assert all(case.bytes_held > 2 * cache for case in many)
    assert len(set(cases)) == len(cases)


def test_what_later_models_add_has_the_sizes_that_their_makers_print():
    """DeepSeek-V3.2: 64 index heads of 128 pick 2048 rows; Qwen3-Next: 32 heads of a state of 128 x 128."""
    cases = {case.kind: case for case in shapes.cpu_cases(True, 2**20)}
    index, step = cases["index DSA"].row, cases["state_step GDN"].row
    assert [index[name] for name in ("h_I", "d_I", "l")] == [64, 128, 1]
    assert cases["select DSA"].row["L_top"] == 2048
    assert [step[name] for name in ("n_v", "n_qk", "d_k", "d_s")] == [32, 16, 128, 128]


def test_what_one_token_touches_exceeds_the_cache_by_hand():
    """Rows of 576 numbers, 2048 picked of each request; a state of 32 x 128 x 128; four bytes each."""
    cache = 32 * 2**20
    for kind, each in (("core_attention DSA", 2048 * 576 * 4), ("state_step KDA", 32 * 128 * 128 * 4)):
        case = next(case for case in shapes.cpu_cases(True, cache) if case.kind == kind)
        assert 2.3 * cache < case.row["B"] * each < 2.6 * cache


def test_no_row_is_picked_twice(backend):
    for case in beside("fp32"):
        if "T" in case.inputs:
            picks = backend.allocate(case)["T"]
            assert all(len(set(each)) == len(each) for each in picks.reshape(-1, picks.shape[-1]).tolist())
            assert picks.max() < case.rows(case.inputs["T"].axes[-1])
