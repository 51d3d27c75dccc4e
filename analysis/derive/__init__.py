"""Derivations in pure sympy: symbols, einsum lines, kernels, mechanisms, blocks, parallelism, serving.

A file is loaded when something is first asked of it (PEP 562): whoever writes `derive.serving` inside a function can be
imported, and answer from kept forms, without sympy.
"""

from importlib import import_module
from importlib.util import find_spec


def __getattr__(name: str):
    """A file of this room."""
    if find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
