"""Units at the edge: what a unit of the data files is worth, and the range in which a number is no slip of its unit."""

LARGEST = 1e18  # far beyond any batch, context or bandwidth; keeps typing errors from passing as numbers
TO_SI = {"TFLOP/s": 10**12, "GB/s": 10**9, "GB": 10**9, "GiB": 2**30, "us": 1e-6}
# What a cell may hold in the unit of its column: far beyond any part that was built, short of a slip of the unit.
RANGES = {
    "P_bf16": (0.01, 10**6),
    "P_fp8": (0.01, 10**6),
    "P_fp4": (0.01, 10**6),
    "BW_mem": (10, 10**8),
    "M_cap": (0.1, 10**5),
    "M_driver": (10**8, 10**14),
    "BW_Int": (1, 10**5),
    "BW_Int_two_way": (1, 10**5),
    "latency": (0.001, 10**4),
    "tdp": (1, 10**5),
    "RP_printed": (0.1, 10**4),
}
WIDTH = ("byte", (0.05, 8), 8)
MEASURES = {  # parameters with a unit: its name, the range that makes sense in it, what a slip is likely to be out by
    "BW_Int": ("byte/s", (1e6, 1e15), 1e-9),
    "slo": ("s", (1e-6, 1e4), 1e3),
    "alpha": ("s", (1e-9, 1), 1e6),
}


def in_unit(number: float, unit: str, within: tuple[float, float], size: float) -> str:
    """The unit to write a number in, and the number in that unit if it was given in another one.

    `size` is the worth of the unit in the one that a slip is likely to come from; powers of a thousand come next.

    >>> in_unit(5, "GB/s", (10, 1e8), 1e9), in_unit(5e12, "GB/s", (10, 1e8), 1e9)
    ('the unit is GB/s: write 5000', 'the unit is GB/s: write 5000')
    """
    factors = (1 / size, *(10.0**power for power in (3, -3, 6, -6, 9, -9, 12, -12)))
    meant = next((number * each for each in factors if within[0] <= number * each <= within[1]), None)
    return f"the unit is {unit}" + (f": write {meant:.10g}" if meant and meant < float("inf") else "")
