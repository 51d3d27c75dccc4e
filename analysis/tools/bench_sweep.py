"""The sweep that `make bench` measures: 10^8 points on all cores into one Parquet file.

python -m analysis.tools.bench_sweep FOLDER        writes FOLDER/out.parquet (a gigabyte), prints what it took
"""

import json
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from joblib.externals.loky import get_reusable_executor

from analysis.files import exits
from analysis.files.outputs import checked_folder
from analysis.sweeps.running import sweep
from analysis.sweeps.workers import cpu_count

GRID = {  # in as many kinds of setting as a reader's grid may have
    "quantities": ["tpot", "throughput_per_accelerator"],
    "with": {"n_acc": 32, "deg_EP": 8},
    "over": {
        "model": ["deepseek-v3", "deepseek-v2", "qwen3-235b-a22b", "llama-4-maverick", "gpt-oss-20b"],
        "accelerator": ["b200-sxm", "h200-sxm5", "h100-sxm5", "b200-paper", "v100-paper"],
        "link": ["nvlink5-b200", "ib-xdr"],
        "deg_TP": [1, 2, 4, 8],
        "s": [0, 0.1, 0.2, 0.4, 0.8],
        "B": {"from": 32, "to": 65536, "points": 500},
        "L": {"from": 1024, "to": 131072, "points": 100},
        "width_kv": [1, 2],
    },
}


def measured(folder: Path, grid: Mapping = GRID) -> dict[str, float]:
    """Points of the grid, rows written, seconds, and bytes of memory of all processes together.

    Memory is the peak of this process, and that of its largest worker once for each: no less than all took at any one
    time.
    """
    done = sweep(grid, folder / "out.parquet", progress=False)
    get_reusable_executor().shutdown()  # workers are counted once they have ended
    own, each = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    workers = cpu_count() if cpu_count() > 1 else 0
    return {
        "points": done.points,
        "rows": done.rows,
        "seconds": done.seconds,
        "bytes": (own + workers * each) * 1024,  # Linux counts in KiB
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Sweep the grid into FOLDER, and print a JSON object of what it took."""
    click.echo(json.dumps(measured(checked_folder(folder))))


if __name__ == "__main__":
    sys.exit(exits.run(main, "python -m analysis.tools.bench_sweep"))
