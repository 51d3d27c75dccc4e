"""Timing the study's operations on the reader's own machine: `python -m analysis measure`.

`cases` says what is timed, from the einsum lines of the derivation; `numpy_kernels` and `torch_kernels` run it; every
result is checked against a float64 run of the lines themselves before a clock starts.
"""
