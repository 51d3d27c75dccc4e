"""Families of attention after the paper: where each stage stands against the ridge of several chips, as tables."""

from dataclasses import replace

from sympy import Expr, Integer

from analysis.ask.numbers import exact, value
from analysis.data.element_formats import formats
from analysis.data.lines import cut
from analysis.derive.attention import GQA, MLA, Mechanism
from analysis.derive.block import Conventions, attention_stages, bytes_moved, flops
from analysis.derive.einsum import layered
from analysis.derive.mechanisms import ALL, stored, touched
from analysis.derive.sparse import GLA, GTA, MFA
from analysis.derive.symbols import BY_NAME, L_cut, RP_acc, l
from analysis.ledger.claims_mechanisms import of_r1, row_bytes, sized
from analysis.render.after_tables import CHIPS, on_chip
from analysis.render.digits import digits_of, whole
from analysis.render.figures.after import chip
from analysis.render.tables import table
from analysis.render.words import person
from analysis.systems.layers import ATTENTION, layers
from analysis.systems.quantities import evaluate
from analysis.thesis.conclusions import size
from analysis.thesis.full import batch_at_capacity

SHARED = {
    "grouped queries": (GQA, "P036"),
    "tied keys and values": (GTA, "P036"),
    "factored queries, one row": (MFA, "P033"),
    "one latent": (MLA, ""),
    "two latents": (GLA, "P035"),
}
"""How rows are shared: the mechanism, and the published number whose sizes it is given; R1's where there is none."""


def ridge_table(model: str, context: int) -> str:
    """One row a stage of attention, and the routed experts: intensity over each chip's ridge point, memory full."""
    systems = [on_chip(model, each) for each in CHIPS]
    filled = [each.with_(B=int(batch_at_capacity(each, context)), L=context) for each in systems]
    shares = [evaluate("ridge_by_stage", each).value for each in filled]
    titles = {name: layer.title for name, layer in layers(systems[0]).items()}
    stages = [name for name in titles if name.endswith((*ATTENTION, "routed")) and any(each[name] for each in shares)]
    rows = [(titles[name], *(_share(float(each[name])) for each in shares)) for name in stages]
    caption = (
        f"FLOP per byte of {person(model)}'s stages over the ridge point, at {size(context)} tokens with memory full "
        f"on {systems[0]['n_acc']} of each chip: a stage computes from one on (bold), and waits for memory below."
    )
    return table(("stage", *map(chip, systems)), rows, caption, f"tab-ridge-{model.replace('.', '-')}", "lrrrr")


def shared_table() -> str:
    """One row a way of sharing rows: bytes of a token, FLOP per byte of core attention, and that over each ridge."""
    systems = [on_chip("deepseek-v3", each) for each in CHIPS]
    rows = []
    for name, (mechanism, id_) in SHARED.items():
        point = sized(id_) if id_ else of_r1()
        intensity = core_intensity(mechanism, point)
        ridges = (_share(intensity / float(each.point[RP_acc])) for each in systems)
        rows.append((name, mechanism.name, whole(row_bytes(mechanism, point)), digits_of(intensity), *ridges))
    header = ("rows are shared by", "name", "bytes of a token", "FLOP per byte", *map(chip, systems))
    caption = (
        "Ways of sharing rows at the sizes that their papers print, in BF16: what a token leaves in a block, what core "
        "attention does for a byte of a long context, and that over each chip's ridge point (bold where it computes)."
    )
    return table(header, rows, caption, "tab-shared", "llrrrrrr")


def core_intensity(mechanism: Mechanism, point: dict) -> float:
    """FLOP per byte of core attention at a point whose context has no end, in the order that serves decode.

    >>> round(core_intensity(MFA, sized("P033"))), round(core_intensity(GLA, sized("P035")))
    (64, 128)
    """
    core = attention_stages(mechanism, Conventions(mechanism.order_of("decode")))["core"]
    return float(exact(flops(core), point) / exact(bytes_moved(core), point))


def _share(share: float) -> str:
    text = digits_of(share, 2)
    return f"**{text}**" if share >= 1 else text


def format_bytes(name: str, *parts: str) -> int:
    """Bytes of a row that a format of data/formats.yml keeps in some parts of the cache.

    >>> format_bytes("latent-fp8", "latent", "rope_key"), format_bytes("latent-fp8", "index_key")
    (656, 132)
    """
    return sum(int(formats()[name].parts[part].bytes) for part in parts)


def prompt_chunk() -> int:
    """Tokens of a prompt that pass a recurrent state together, where a model's row states no other number."""
    return cut()


def states_moved(name: str, queries: int) -> float:
    """States that a step of so many query tokens reads and writes, in one block [1].

    >>> states_moved("GDN", 1), states_moved("GDN", 4)
    (2.0, 5.0)
    """
    of, one = ALL[name], Integer(1)
    return float((touched(of).xreplace({l: Integer(queries)}) / stored(of).xreplace({l: one})).cancel())


def chunks_over_steps(name: str, n_v: int, d_k: int, d_s: int) -> float:
    """Operations of a long prompt's core in chunks, behind a causal mask, over those of as many steps [1].

    >>> round(chunks_over_steps("KDA", 1, 128, 128), 2)
    1.15
    """
    stages = (attention_stages(ALL[name], Conventions(prompt=prompt))["core"] for prompt in (True, False))
    return _quotient(*map(flops, stages), n_v, d_k, d_s)


def inverse_over_core(name: str, d_k: int, d_s: int) -> float:
    """Operations of a chunk's inverse, row by row, over those that are counted of a long prompt's core [1].

    A row of the inverse is a sum of rows before it, as the values that it makes are: the line that makes them, with
    the chunk's columns in place of theirs. It bounds the solution from above, as half of the columns are zero.
    """
    (core,) = attention_stages(ALL[name], Conventions(prompt=True))["core"]
    solved = next(line for line in core.lines if line.made.name == "u")
    return _quotient(solved.flops.xreplace({BY_NAME["d_s"]: L_cut}), core.flops, 1, d_k, d_s)


def between_chunks(name: str, d_k: int, d_s: int, grouping: str = "spilled") -> float:
    """Bytes of a long prompt's core over those of one kernel [1]: where each chunk's state crosses memory on its way
    to the next, or, `grouping="layered"`, where each line is a kernel.

    >>> round(between_chunks("GDN", 128, 128), 1)
    2.0
    """
    (core,) = attention_stages(ALL[name], Conventions(prompt=True))["core"]
    apart = (
        (replace(core, spilled=("C",), passes=Integer(2)),) if grouping == "spilled" else layered("core", core.lines)
    )
    return _quotient(bytes_moved(apart), core.bytes, 1, d_k, d_s)


def _quotient(first: Expr, second: Expr, n_v: int, d_k: int, d_s: int) -> float:
    """Of two counts of a long prompt, behind a causal mask; widths of 16 bits, states of 32."""
    tokens = 2**20
    point = {"B": 1, "n_v": n_v, "n_qk": n_v, "d_k": d_k, "d_s": d_s, "L_cut": cut(), "l": tokens, "L": tokens}
    point |= {"causal": 0.5, "width_activations": 2, "width_state": 4}
    found = (float(value(form, {BY_NAME[size]: number for size, number in point.items()})) for form in (first, second))
    return next(found) / next(found)
