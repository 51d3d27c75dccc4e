"""The CUDA path on PyTorch's CPU device: every kernel against float64, cells too large counted, a whole sweep timed.

Run by `make test-torch`; `make test` neither needs nor collects it.
"""

from dataclasses import replace
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from analysis.files.errors import InputError  # noqa: E402
from analysis.measure import cuda, shapes, writing  # noqa: E402
from analysis.measure.cases import Case, attention, experts, gemm  # noqa: E402
from analysis.measure.checking import agrees, error  # noqa: E402
from analysis.measure.command import measure as command  # noqa: E402
from analysis.measure.machine import Machine  # noqa: E402
from analysis.measure.measuring import measure, sources  # noqa: E402
from analysis.measure.torch_kernels import TorchBackend  # noqa: E402
from tests.measure.measure_cases import beside  # noqa: E402

SMALL = {"d_KVco": 64, "d_nope": 16, "d_RoPE": 8, "d_v": 16}


def small_cases(precision: str) -> list[Case]:
    shape = {"B": 2, "L": 24, "n_hd": 8}
    return [
        *attention("MHA", precision, shape),
        *attention("GQA", precision, shape | {"n_kv": 2}),
        *attention("MLA", precision, shape | SMALL),
        *beside(precision),
        experts(precision, 4, 3, {"d_emb": 64, "d_MoE": 32}),
        gemm(precision, 8, 16, 24),
        Case.of("read", precision, bytes=4096),
        Case.of("copy", precision, bytes=4096),
    ]


@pytest.fixture
def backend() -> TorchBackend:
    return TorchBackend("cpu", room=1e9)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_operation_has_a_kernel_that_agrees_with_float64(backend, precision):
    cases = small_cases(precision)
    found = measure(cases, backend, "a-machine", budget=0)
    assert not found.wrong
    timed = {(row["operation"], row.get("mechanism"), row.get("order")) for row in found.rows}
    assert timed == {(case.operation, case.row.get("mechanism"), case.row.get("order")) for case in cases}


def test_fused_and_layered_attention_are_told_apart(backend):
    found = measure(list(attention("MHA", "bf16", {"B": 1, "L": 32, "n_hd": 4})), backend, "a-machine", budget=0)
    groupings = {row["grouping"]: row["kernel"] for row in found.rows}
    assert set(groupings) == {"fused", "layered"}
    assert "scaled_dot_product_attention" in groupings["fused"]
    assert all(row["kernel"].startswith("PyTorch ") for row in found.rows)


def test_a_kernel_that_the_device_lacks_is_counted_with_its_reason(backend):
    found = measure(list(attention("MHA", "bf16", {"B": 1, "L": 32, "n_hd": 4})), backend, "a-machine", budget=0)
    assert found.not_run == len(found.missing) > 0
    assert all(found.missing.values())


def test_a_wrong_result_is_not_timed(backend, monkeypatch):
    case = gemm("fp32", 8, 16, 24)
    (kernel,) = backend.kernels(case)
    broken = replace(kernel, prepare=lambda given: lambda: {"Y": given["X"] @ given["W"] + 1})
    monkeypatch.setattr(backend, "kernels", lambda case: [broken])
    found = measure([case], backend, "a-machine", budget=0)
    assert not found.rows
    assert len(found.wrong) == 1


def test_a_kernel_that_makes_nan_is_wrong(backend):
    case = gemm("fp32", 2, 4, 4)
    given = backend.allocate(case)
    made = {"Y": given["X"] @ given["W"] * float("nan")}
    assert not agrees(case, error(case, given, made, backend.as_float64))


def test_cells_beyond_the_room_are_skipped_and_counted(backend):
    cases = small_cases("bf16")
    backend.room = sorted(case.bytes_held for case in cases)[4]
    found = measure(cases, backend, "a-machine", budget=0)
    assert found.too_large == sum(case.bytes_held > backend.room for case in cases) > 0


def test_rows_are_what_the_schema_takes(backend, tmp_path):
    from analysis.measured.kernel_files import load

    found = measure(small_cases("bf16"), backend, "a-machine", budget=0)
    machine = Machine("a-machine", 0, 0, {"torch": torch.__version__})
    writing.save(sources(found.rows, "a test"), machine, tmp_path / "rows.csv")
    assert len(load(tmp_path / "rows.csv")) == len(found.rows)


def test_the_sweep_of_a_cuda_device_covers_what_was_asked():
    cases = shapes.cuda_cases(quick=False)
    values = {name: {case.row[name] for case in cases if name in case.row} for name in ("n_hd", "B", "L", "tokens")}
    assert {16, 128} <= values["n_hd"]
    assert max(values["B"]) == 256
    assert max(values["L"]) == 65536
    per_expert = sorted(case.sizes["T_e"] for case in cases if case.operation == "experts")
    assert (per_expert[0], per_expert[-1]) == (1, 4096)
    assert all(after == 2 * before for before, after in pairwise(per_expert))
    assert {case.precision for case in cases} == {"bf16"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="the refusal is of machines without a CUDA device")
def test_without_a_cuda_device_the_command_says_so(tmp_path):
    assert not cuda.has_cuda()
    with pytest.raises(InputError, match="no CUDA device"):
        command.main(["--device", "cuda", "-o", str(tmp_path / "rows.csv")], standalone_mode=False)
