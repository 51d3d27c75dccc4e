"""The command `measure`: time the study's operations on this machine. `analysis.cli.main` registers it.

What a call needs is imported late, by the call.
"""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click

from analysis.files.errors import InputError

BUDGET = {"cpu": {True: 0.15, False: 0.5}, "cuda": {True: 0.02, False: 0.1}}
"""Seconds of repeats for each kernel, by device and by whether the run is quick."""

LIMIT = {"cpu": {True: 38.0, False: 270.0}, "cuda": {True: 240.0, False: 1500.0}}
"""Seconds after which no cell begins, so that a slow machine ends in time too: 45 s and 5 minutes on a CPU."""

CPU_ROOM = 1.5e9
"""Bytes that a case may take on the CPU: with a kernel's own arrays and the reference, a run stays under 4 GB."""

CUDA_ROOM = 0.8
"""Share of a CUDA device's memory that a case may take."""


@click.command()
@click.option("--quick", is_flag=True, help="Fewer cells and repeats: at most 45 s on a CPU instead of 5 minutes.")
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="cpu: numpy in fp32; cuda: PyTorch in bf16, where it is installed.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="machine.csv",
    show_default=True,
    help="CSV file to write; the machine's record goes beside it.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def measure(quick: bool, device: str, output: Path, force: bool) -> None:
    """Time this machine: matrix products, bandwidth, decode attention in both orders, attention to picked rows with its
    index, steps and prompts of recurrent states, experts.

    Every result is checked against float64 before it is timed. `validate FILE` compares the rows with the roofline of
    the machine's own rates.
    """
    from tqdm import tqdm

    from analysis.measure import measuring, writing

    writing.refuse_path(output, force)
    budget, limit = BUDGET[device][quick], LIMIT[device][quick]
    with ExitStack() as limits:
        machine, backend, cases = _on_cuda(quick) if device == "cuda" else _on_cpu(quick, limits)
        click.echo(f"{machine.id}: {len(cases)} cells")
        found = measuring.measure(cases, backend, machine.id, budget, limit, lambda each: tqdm(each, unit="cell"))
    command = f"python -m analysis measure --device {device}{' --quick' if quick else ''}"
    record = writing.save(measuring.sources(found.rows, command), machine, output)
    click.echo(f"{output}: {len(found.rows)} rows; {record}: the machine")
    click.echo(
        f"left out: {found.too_large} cells too large for memory, {found.not_run} pairs of cell and kernel not run here"
    )
    if found.too_late:
        kinds = ", ".join(f"{count} of {kind}" for kind, count in Counter(found.too_late).items())
        click.echo(f"left out: {len(found.too_late)} cells, as {limit:g} s were over: {kinds}")
    for kernel, reason in found.missing.items():
        click.echo(f"not run by {kernel}: {reason}", err=True)
    for sentence in found.wrong:
        click.echo(f"wrong result, not timed: {sentence}", err=True)
    click.echo(_roofs(output))


def _on_cpu(quick: bool, limits: ExitStack):
    """Machine, backend and cases; where other programs want its cores, on one thread until `limits` end."""
    from analysis.measure.machine import cpu_machine, one_thread
    from analysis.measure.numpy_kernels import NumpyBackend
    from analysis.measure.shapes import cpu_cases

    machine = cpu_machine()
    if machine.is_busy:
        click.echo("other programs keep this machine busy: BLAS runs on one thread; repeat when it is quiet", err=True)
        limits.enter_context(one_thread())
        machine = cpu_machine()
    room = min(CPU_ROOM, machine.memory / 4)
    return machine, NumpyBackend(room, machine.record["blas"]), cpu_cases(quick, machine.cache)


def _on_cuda(quick: bool):
    from analysis.measure.cuda import cuda_machine, has_cuda
    from analysis.measure.shapes import cuda_cases
    from analysis.measure.torch_kernels import TorchBackend

    if not has_cuda():
        raise InputError(
            "--device cuda: found no CUDA device that PyTorch can use, allowed is cpu; install PyTorch "
            "with CUDA (pip install torch), or measure the CPU."
        )
    machine = cuda_machine()
    return machine, TorchBackend("cuda", CUDA_ROOM * machine.memory), cuda_cases(quick)


def _roofs(path: Path) -> str:
    """The machine's rates, and how far each kind of kernel lies from their roofline in the median."""
    import numpy as np

    from analysis.derive.symbols import BW_mem, P_acc
    from analysis.measured.kernel_files import load
    from analysis.measured.predict import own_roofs, predict
    from analysis.measured.validate import Compared

    table, lines = load(path), []
    for name, point in own_roofs(table).items():
        arithmetic, traffic = point[P_acc], point[BW_mem]
        ridge = f"ridge point {arithmetic / traffic:.3g} FLOP/byte"
        lines.append(f"{name}: {arithmetic / 1e9:.4g} GFLOP/s, {traffic / 1e9:.4g} GB/s, {ridge}")
        rows = Compared(table, predict(table, {name: point}))
        kinds = dict.fromkeys(rows.operation)
        ratios = ", ".join(f"{kind} {np.median(rows.ratio[rows.operation == kind]):.2g}" for kind in kinds)
        lines.append(f"measured over the roofline of these rates, median: {ratios}")
    return "\n".join(lines) or "no roofs: gemm or read is missing"


commands = [measure]
