"""The memory book: what an accelerator stores, and the batch that fits (Eq. 11).

Books differ in the weights that they count:
- `as_built`: every weight and vector where it is stored; TP replicates what it cannot shard, DP replicates all
  but routed experts. The embedding and the head are sharded like the vocabulary.
- `eq11`: attention weights of every block once per DP group, feed-forward weights that tokens choose among (the
  routed experts; the dense layer of a model without experts) once, as the paper's Eq. 11 reads.
- `once`: every weight of the model once, however many groups there are.
"""

from sympy import Expr, Integer

from analysis.derive import decoder
from analysis.derive.block import Architecture, Conventions
from analysis.derive.parallel import sharded
from analysis.derive.symbols import B, M_cap, deg_DP, deg_EP, n_acc, n_dec, n_e, width_weights

BOOKS = ("as_built", "eq11", "once")


def weights_stored(architecture: Architecture, book: str = "as_built") -> Expr:
    """Weight bytes of the whole system, replicas counted [byte]."""
    if book == "once":
        return decoder.parameters(architecture) * width_weights
    if book == "eq11":
        return _eq11(architecture) * width_weights
    held = decoder.parameters(architecture, experts=n_e / deg_EP).xreplace(sharded())
    return held * width_weights * n_acc


def _eq11(architecture: Architecture) -> Expr:
    stages, counts = decoder.feedforward_parameters(architecture), decoder.block_counts(architecture)
    chosen = "routed" if architecture.experts else "dense"
    return n_dec * decoder.attention_parameters(architecture) * deg_DP + counts[chosen] * stages[chosen]


def request_bytes(architecture: Architecture, conventions: Conventions = Conventions(), book: str = "as_built",
                  activations: bool = True) -> Expr:
    """Bytes that one more request costs the system [byte]: its cache in every block, activations of one block.

    `eq11` counts the cache once (n_dec M_KV L + M_act); the other books count it as sharded, so that TP replicates
    what has no head axis.
    """
    cache = sum((t.bytes / B for t in decoder.kept_cache(architecture, conventions)), Integer(0))
    per_request = n_dec * cache + (decoder.activation_bytes(architecture, conventions) if activations else 0)
    if book == "eq11":
        return per_request
    axes = {axis: size for axis, size in sharded().items() if axis != B}
    return per_request.xreplace(axes) * n_acc / deg_DP


def B_cap(architecture: Architecture, conventions: Conventions = Conventions(), book: str = "as_built",
          activations: bool = True) -> Expr:
    """Largest batch that fits the system's memory [requests], not rounded (Eq. 11)."""
    free = M_cap * n_acc - weights_stored(architecture, book)
    return free / request_bytes(architecture, conventions, book, activations)


def memory_used(architecture: Architecture, conventions: Conventions = Conventions(), book: str = "as_built") -> Expr:
    """Bytes that the system stores at batch B and context L [byte]."""
    return weights_stored(architecture, book) + B * request_bytes(architecture, conventions, book)


