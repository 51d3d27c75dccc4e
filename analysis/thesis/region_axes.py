"""The axes that the grids of conclusions are made of."""

from analysis.thesis.region import Axis
from analysis.thesis.world import LINKS, PRINTED

CONTEXT = Axis("context", "context", tuple(2.0**power for power in range(8, 21)), "tokens")
LONGER = Axis("context", "context", tuple(2.0**power for power in range(8, 21, 2)), "tokens")
BATCH = Axis("batch", "batch", (0.0, 0.25, 0.5, 0.75, 1.0), even=True)
LARGE = Axis("batch", "batch", (0.5, 0.75, 1.0), even=True)
LINK = Axis("link", "link", LINKS, looped=True)
FEW = Axis("context", "context", (1024.0, 8192.0, 65536.0), "tokens")
SKEW = Axis("skew", "skew", (0.0, 0.4, 0.8))
CHIP = Axis("chip", "accelerator", tuple(range(len(PRINTED))))
DEGREE = Axis("degree", "tensor parallelism", (1, 2, 4, 8))
DIVIDED = Axis("degree", "tensor parallelism", (2, 4, 8))
COUNT = Axis("count", "accelerators", (8.0, 16.0, 32.0, 64.0, 128.0, 256.0), "accelerators")
REQUESTS = Axis("requests", "batch", (), "requests")  # between one a data-parallel group and what memory holds
RIDGE = Axis("ridge", "ridge point", (1.0, 2000.0), "FLOP/byte")
BANDWIDTH = Axis("bandwidth", "link bandwidth", (1e9, 1e14), "byte/s")
ACCEPTANCES = Axis("acceptance", "acceptance", (0.5, 0.7, 0.9))
ACCEPTANCE = Axis("acceptance", "acceptance", (0.0, 1.0), even=True)


def choice(name: str, title: str, *values) -> Axis:
    """An axis of labels."""
    return Axis(name, title, values, looped=True)
