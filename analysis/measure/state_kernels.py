"""Recurrent states by numpy or PyTorch, whose names for these steps agree: `lib` is one or the other.

Heads that share queries and keys are an axis of their own, along which arrays broadcast. States are kept, and
products made, in float32, as kernels do; vectors come in the case's precision.
"""

from typing import Any

from analysis.measure.backend import Run
from analysis.measure.layouts import Arrays


def step(lib: Any, given: Arrays) -> Run:
    """One token: the state decays, is corrected by what it holds under the key where there is a beta, and is read."""
    M, decay, beta = _state(lib, given)
    N, added = lib.empty_like(M), lib.empty_like(M)

    def run() -> Arrays:
        q, k, v = _vectors(lib, given, M.shape)
        lib.multiply(M, decay.mT, out=N)
        u = v if beta is None else beta * (v - lib.matmul(k, N))
        lib.multiply(k.mT, u, out=added)
        lib.add(N, added, out=N)
        return _made(lib.matmul(q, N), N)

    return run


def prompt(lib: Any, given: Arrays, cut: int) -> Run:
    """A prompt in chunks of `cut` tokens, each as a few products; the lines' triangular inverse is computed too."""
    M, decay, beta = _state(lib, given)
    one = lib.eye(cut, dtype=lib.float32, device=M.device)

    def run() -> Arrays:
        q, k, v = _vectors(lib, given, M.shape)
        C, O = M, lib.empty_like(v)
        for start in range(0, v.shape[-2], cut):
            part = slice(start, start + cut)
            since = lib.cumprod(decay[..., part, :], -2)
            k_g, k_c, q_g, u = (
                k[..., part, :] * since,
                k[..., part, :] / since,
                q[..., part, :] * since,
                v[..., part, :],
            )
            if beta is not None:
                b, length = beta[..., part, :], u.shape[-2]
                T = lib.linalg.inv(one[:length, :length] + b * lib.tril(k_g @ k_c.mT, -1))
                u = T @ (b * (u - k_g @ C))
            O[..., part, :] = lib.tril(q_g @ k_c.mT) @ u + q_g @ C
            last = since[..., -1:, :]
            C = last.mT * C + (k_c * last).mT @ u
        return _made(O, C)

    return run


def _state(lib: Any, given: Arrays) -> tuple[Any, Any, Any]:
    """State, decays and betas with the axes request, heads of keys, heads that share them, and two more."""
    M, heads = given["M"], given["Q"].shape[1]
    lead = (len(M), heads, M.shape[1] // heads)
    decay, beta = given["decay"], given.get("beta")
    if decay.ndim == 3:
        decay = lib.moveaxis(decay, 1, 2)
    if beta is not None:
        beta = lib.moveaxis(beta, 1, 2).reshape(*lead, -1, 1)
    return M.reshape(*lead, *M.shape[2:]), decay.reshape(*lead, given["Q"].shape[2], -1), beta


def _vectors(lib: Any, given: Arrays, shape: tuple[int, ...]) -> list:
    """Queries and keys, one for the heads that share them, and values."""
    arrays = (lib.asarray(given[name], dtype=lib.float32) for name in ("Q", "Keys", "V"))
    return [array.reshape(*shape[:2], -1, *array.shape[2:]) for array in arrays]


def _made(answers: Any, state: Any) -> Arrays:
    return {
        "O": answers.reshape(len(state), -1, *answers.shape[3:]),
        "M_new": state.reshape(len(state), -1, *state.shape[3:]),
    }
