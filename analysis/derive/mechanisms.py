"""Every mechanism by name: what a kind of block may attend by.

`touched` and `phi` are what all have in common: the kept bytes that a step moves, and how often it moves the memory
that requests fill.
"""

from sympy import Add, Expr

from analysis.derive import attention, compressing, sparse, states, variants
from analysis.derive.attention import Mechanism
from analysis.derive.block import Conventions, attention_stages
from analysis.derive.einsum import KEPT

ALL: dict[str, Mechanism] = attention.MECHANISMS | {
    found.name: found
    for module in (sparse, compressing, states, variants)
    for found in vars(module).values()
    if isinstance(found, Mechanism) and found.name not in attention.MECHANISMS
}


def stored(mechanism: Mechanism, conventions: Conventions = Conventions()) -> Expr:
    """Bytes that one block keeps of all requests [byte]: rows of the cache, and states of every token of a step.

    >>> stored(ALL["KDA"]).has(*ALL["MHA"].cache[0].axes[1:2])
    False
    """
    return Add(*(tensor.stored for tensor in mechanism.left(conventions.prompt)))


def touched(mechanism: Mechanism, conventions: Conventions = Conventions()) -> Expr:
    """Bytes of caches and states that one block's step reads and writes [byte]; a state counts both ways."""
    kernels = (kernel for stage in attention_stages(mechanism, conventions).values() for kernel in stage)
    return Add(*(tensor.bytes for kernel in kernels for tensor in kernel.boundary if tensor.kind in KEPT))


def phi(mechanism: Mechanism, conventions: Conventions = Conventions()) -> Expr:
    """Bytes touched in a step over bytes stored [1]: with memory full, a step takes at least phi times reading it.

    >>> from sympy import limit
    >>> from analysis.derive.symbols import L
    >>> [limit(phi(ALL[name]), L, "oo") for name in ("MHA", "Lightning")]
    [1, (l + 1)/l]
    """
    return (touched(mechanism, conventions) / stored(mechanism, conventions)).cancel()
