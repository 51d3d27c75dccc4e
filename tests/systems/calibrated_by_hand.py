"""Times of DeepSeek-V3's attention under the published calibration, in plain arithmetic from the data file's cells."""

import csv
from dataclasses import dataclass

from analysis.files.whole import ROOT

with (ROOT / "data" / "calibrations.csv").open(newline="", encoding="utf-8") as file:
    ROWS = {row["id"].removeprefix("published."): row for row in csv.DictReader(file)}


def cells(name: str) -> dict[str, float]:
    """The fitted numbers of a row, 0 where it has none."""
    shares = ("memory_efficiency", "compute_efficiency", "sharpness")
    beside = ("floor", "ramp", "lost", "reach", "passes", "gathers")
    return {key: float(ROWS[name][key] or 0) for key in shares + beside}


@dataclass(frozen=True)
class Device:
    """Rates of an accelerator [FLOP/s, byte/s, byte/s] and the architecture whose rows describe it."""

    arithmetic: float
    memory: float
    link: float
    architecture: str

    def work(self, flops: float, moved: float, row: dict[str, float], scores: float = 0) -> float:
        """Arithmetic and traffic at attained rates, and 4.2e12 exponentials a second, combined [s]."""
        power = row["sharpness"]
        each = flops / self.arithmetic / row["compute_efficiency"], moved / self.memory / row["memory_efficiency"]
        return sum(part**power for part in (*each, scores / 4.2e12)) ** (1 / power)

    def product(self, rows: float, inner: float, outer: float, heads: float = 1) -> float:
        """A BF16 product of `heads` matrices without its launch [s]."""
        moved = 2 * heads * (rows * inner + inner * outer + rows * outer)
        return self.work(2 * heads * rows * inner * outer, moved, cells(f"gemm.{self.architecture}"))

    def experts(self, tokens: float, reached: float) -> float:
        """Routed experts of 7168 and 2048 on an accelerator, by copies of tokens there and experts that they reach [s].

        A copy comes in and goes out; run line by line, gate and up read it and make 2048 numbers each, these are read
        and make 2048 more, which are read for the result.
        """
        row = cells("experts")
        weights, copy = reached * 3 * 7168 * 2048, 2 * 7168
        work = self.work(2 * 3 * tokens * 7168 * 2048, 2 * (weights + tokens * copy), row)
        passed, handed = 2 * tokens * (3 * 7168 + 6 * 2048), 2 * tokens * 7168
        gathered = (self.memory * 1e12) ** 0.5
        return row["floor"] + work + (row["passes"] * passed + row["gathers"] * handed) / gathered

    def core(self, requests: float, context: float, heads: float) -> float:
        """The reordered core in decode [s]: keys of 576 numbers, values of 512 of them."""
        row = cells(f"latent-attention.{self.architecture}")
        passed = 2 * requests * heads * (576 + 512)
        scores = requests * heads * context
        time = self.work(2 * scores * (576 + 512), 2 * requests * context * 576 + passed, row, scores)
        lost = time * row["ramp"] / (time + row["reach"])
        return row["floor"] + time + lost + row["passes"] * passed / (self.memory * 1e12) ** 0.5

    def all_reduce(self, requests: float, among: int) -> float:
        """A ring all-reduce of one vector of 7168 numbers a request [s]; nothing alone."""
        if among == 1:
            return 0.0
        row = cells(f"all-reduce.{self.architecture}")
        time = 2 * (among - 1) / among * requests * 7168 * 2 / self.link / row["memory_efficiency"]
        return row["floor"] + time * (1 + row["ramp"] / (time + row["reach"]))

    def block(self, requests: float, context: float, among: int) -> float:
        """An attention block of `requests` on a group of `among` accelerators, its all-reduce included [s].

        Launches: a norm, the products of the input, those of the compressed query, two absorbed products, the output.
        """
        heads = 128 / among
        from_input = sum(self.product(requests, 7168, width) for width in (1536, 512, 64))
        from_query = sum(self.product(requests, 1536, width * heads) for width in (128, 64))
        absorbed = self.product(requests, 128, 512, heads) + self.product(requests, 512, 128, heads)
        products = from_input + from_query + absorbed + self.product(requests, 128 * heads, 7168)
        floors = 6 * cells(f"gemm.{self.architecture}")["floor"]
        return floors + products + self.core(requests, context, heads) + self.all_reduce(requests, among)


H100 = Device(989.4e12, 3.35e12, 450e9, "hopper")
B200_PRINTED = Device(2250e12, 8e12, 900e9, "blackwell")
