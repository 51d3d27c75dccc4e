"""Certificates of a sign: each expression is the difference that its claim needs, by hand at random sizes.

That none of their coefficients is negative is tried in test_propositions; here, that they are about the claim.
"""

from collections.abc import Iterator
from random import Random

import pytest
from sympy import Expr

from analysis.derive.statements.of_attention import MOST_QUERIES
from analysis.derive.statements.propositions import PROPOSITIONS
from analysis.derive.symbols import BY_NAME

Sizes = dict[str, float]


def full_memory(s: Sizes) -> Iterator[float]:
    """Over the cache: an output of c elements instead of one as long as what is cached, c + r."""
    c, r = s["d_KVco"], s["d_RoPE"]
    heads = s["l"] * s["n_hd"] * s["width_activations"] / (s["L"] * s["width_kv"])
    yield 2 * heads - heads * (c + r + c) / (c + r)


def device(s: Sizes) -> Iterator[float]:
    """Bytes, further bandwidth and arithmetic, distance from the intensity: the difference of two times each."""
    Q, wider, faster, apart = (s[f"s_{place}"] for place in range(4))
    waits = Q / s["BW_mem"]
    yield waits - waits / (1 + apart)  # below: the device computes for less than the accelerator waits
    yield Q * wider / (s["BW_mem"] * (s["BW_mem"] + wider))  # and waits less
    yield waits * (1 + apart) - waits  # above: the device computes for longer than the accelerator waits
    yield waits * (1 + apart) * faster / (s["P_exp"] + faster)  # and than it computes


def tensor(s: Sizes) -> Iterator[float]:
    """Queries and outputs divide with the heads; of the cache each accelerator reads as many copies more."""
    cached = s["B"] / s["n_acc"] * s["L"] * (s["d_KVco"] + s["d_RoPE"]) * s["width_kv"]
    yield s["s_0"] * cached


def queries(s: Sizes) -> Iterator[float]:
    """Tokens asked for less those gained, for 2 to 8 of them; then m times one token's intensity less m tokens'."""
    accepted = 1 / (1 + s["s_0"])
    for query in range(2, 9):
        yield sum(1 - accepted**place for place in range(query))
    rows, head = s["L"] * (s["d_KVco"] + s["d_RoPE"]), 2 * s["d_KVco"] + s["d_RoPE"]
    more = 1 + s["s_1"]

    def intensity(tokens: float) -> float:
        work = 2 * tokens * s["n_hd"] * s["L"] * head
        return work / (rows * s["width_kv"] + tokens * s["n_hd"] * head * s["width_activations"])

    yield more * intensity(1) - intensity(more)


def attribution(s: Sizes) -> Iterator[float]:
    """Free memories over one another: experts keep 1/n of the layers, the dense model 1/TP, and TP copies of caches."""
    degree = 1 + s["s_0"]
    count, layers = degree + s["s_1"], s["N_MoE"] * s["n_dec"] * s["width_weights"]
    memory = layers / degree + s["s_2"]
    yield (memory - layers / count) / ((memory - layers / degree) / degree) - 1


def schedule(s: Sizes) -> Iterator[float]:
    """Tokens that other groups keep; no time of arithmetic is spared, and as many readings as tokens are more."""
    tokens = s["B"] * s["l"] * s["n_k"] * s["Gamma_imb"] / s["n_e"]
    yield tokens * s["s_0"] / (s["deg_EP"] + s["s_0"])
    yield 0
    yield s["s_1"] * 3 * s["d_emb"] * s["d_MoE"] * s["width_weights"] / s["BW_mem"]


def index_traffic(s: Sizes) -> Iterator[float]:
    """Keys beyond the border; rows that lie before it; a row wider than a key by a slack, all of them read."""
    each, row = s["B"] * s["width_kv"], s["d_KVco"] + s["d_RoPE"]
    yield each * s["d_I"] * s["s_0"]
    picked = each * s["l"] * s["L_top"] * row
    yield picked - picked / (1 + s["s_0"])
    yield each * s["L"] * s["s_0"]


def state_traffic(s: Sizes) -> Iterator[float]:
    """A state and the inputs of its convolutions, moved twice and stored once: the slack's share of it each time."""
    channels = 2 * s["n_qk"] * s["d_k"] + s["n_v"] * s["d_s"]
    state = s["n_v"] * s["d_k"] * s["d_s"] * s["width_state"] + s["s_1"] * channels * s["width_activations"]
    for share in (s["s_0"], s["s_0"] / (1 + s["s_0"])):
        yield 2 * state * share
        yield state * share


def wires_hidden(s: Sizes) -> Iterator[float]:
    """The exchange, of which experts take longer by the slack, or shorter."""
    sent = s["Gamma_acc"] * s["B"] * s["l"] * s["n_k"] / s["n_acc"] * 2 * s["d_emb"] * s["width_activations"]
    yield sent / s["BW_Int"] * s["s_0"]
    yield sent / s["BW_Int"] * (1 - 1 / (1 + s["s_0"]))


BY_HAND = {
    "thesis-index-traffic": index_traffic,
    "thesis-state-traffic": state_traffic,
    "thesis-wires-hidden": wires_hidden,
    "thesis-full-memory": full_memory,
    "thesis-device": device,
    "thesis-tensor": tensor,
    "thesis-queries": queries,
    "thesis-attribution": attribution,
    "thesis-schedule": schedule,
}


def sized(seed: int) -> Sizes:
    """A size of 1.5 to 9 for every symbol and every letter of slack."""
    made = Random(seed)
    return {name: made.uniform(1.5, 9) for name in (*BY_NAME, *(f"s_{place}" for place in range(4)))}


def found(form: Expr, sizes: Sizes) -> float:
    return float(form.evalf(subs={each: sizes[each.name] for each in form.free_symbols}))


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("seed", range(3))
def test_each_expression_is_a_difference_of_the_claim(name, seed):
    sizes = sized(seed)
    by_hand = list(BY_HAND[name](sizes))
    assert [found(form, sizes) for form in PROPOSITIONS[name].positive()] == pytest.approx(by_hand, rel=1e-9, abs=1e-12)
    assert all(each >= 0 for each in by_hand)


def test_every_certificate_is_found_by_hand_here_up_to_as_many_query_tokens_as_the_domain_says():
    assert set(BY_HAND) == {name for name, each in PROPOSITIONS.items() if each.positive()}
    assert PROPOSITIONS["thesis-queries"].domain.startswith(f"2 to {MOST_QUERIES} query tokens")
