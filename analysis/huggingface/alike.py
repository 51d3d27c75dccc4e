"""From blocks in order to kinds of block: what all share is said once, what differs by kind.

A size is the model's where all blocks that read it have the same; a group of vectors is, where all blocks that could
carry it do.
"""

from collections import Counter
from dataclasses import dataclass

from analysis.data.kind_of_block import EXPERT_COLUMNS, SIZES, mechanism_columns
from analysis.derive.attention import MLA_direct
from analysis.derive.vectors import VECTORS
from analysis.files.errors import InputError
from analysis.huggingface.blocks import Block
from analysis.huggingface.families import Family
from analysis.huggingface.halves import DENSE, NONE
from analysis.huggingface.keys import Keys
from analysis.huggingface.sizes import feeding, mixing

FOLLOWING = ("n_pool", "n_role")  # sizes that the stride decides
BANDS = {"window": "sliding", "chunk": "chunked"}
DIRECT = {"latent_norms": "latent_norm_kv", "latent_biases": "latent_bias_kv"}  # where queries are not compressed


@dataclass(frozen=True)
class Kind:
    """Blocks that are alike: how many, their mechanism, window and half, all sizes that they read, their vectors."""

    attention: str
    window: str
    feedforward: str
    sizes: dict[str, int]
    vectors: tuple[str, ...]
    queries: int | None = None

    @property
    def places(self) -> set[str]:
        """Places of vectors that these blocks have."""
        half = {NONE: set(), DENSE: {"half", "dense"}}.get(self.feedforward, {"half", "experts", "expert"})
        return half | ({"block"} if self.attention else set())


def kinds(keys: Keys, family: Family, found: list[Block], context: int | None) -> dict:
    """The columns sizes, kinds and vectors of a row, out of its blocks in order."""
    counted = Counter(found)
    common = _groups(keys, family.vectors, family.switched)
    built = {block: _kind(keys, family, block, common) for block in counted}
    if not any(kind.attention for kind in built.values()):
        raise InputError(f"{keys.place}: found no block with attention, allowed is at least one; no row can hold it.")
    for kind in built.values():
        _refuse_more_than_all(keys, kind.sizes, context)
    _not_used(keys, family, built.values())
    shared = _shared_sizes(list(built.values()))
    vectors = _shared_vectors(list(built.values()), common)
    keys.infer("vectors", " ".join(vectors), "the model type")
    merged: dict[str, dict] = {}
    for block in sorted(counted, key=_reach):
        row = _row(built[block], shared, vectors)
        alike = merged.setdefault(repr(row), {"blocks": 0, **row})
        alike["blocks"] += counted[block]
    return {"sizes": shared, "kinds": _named(list(merged.values())), "vectors": vectors}


def _reach(block: Block) -> int:
    """Those that attend to most first: to all, to a window, to what a state keeps, to nothing."""
    return {"": 3, "linear": 2, "window": 1, "chunk": 1, "local": 1, "shared": 1, "indexed": 1}.get(block.attention, 0)


def _kind(keys: Keys, family: Family, block: Block, common: list[str]) -> Kind:
    own, vectors, attention, sizes = dict(block.sizes), list(common), "", {}
    if block.attention:
        mixer = family.mixer(block.attention)
        spelled = keys.spelled(mixer.keys)
        attention, sizes = mixing(spelled, family, mixer, own)
        vectors += _groups(keys, mixer.vectors, mixer.switched)
        if block.tokens:
            sizes["L_win"] = block.tokens
    vectors += family.halves.get(block.half, "").split()
    if attention == MLA_direct.name:
        vectors = [DIRECT.get(name, name) for name in vectors]
    sizes |= feeding(keys, family, block.half, own)
    half = block.half if block.half in (NONE, DENSE) else "experts"
    return Kind(attention, BANDS.get(block.attention, ""), half, sizes, tuple(vectors), block.queries)


def _refuse_more_than_all(keys: Keys, sizes: dict, context: int | None) -> None:
    """Rows that a query picks are among those of the longest context."""
    picked = sizes.get("L_top", sizes.get("n_top", 0) * sizes.get("L_blk", 0)) * sizes.get("L_str", 1)
    if context and picked > context:
        raise InputError(
            f"{keys.place}: found {picked} tokens that a query picks beside a longest context of {context}, allowed "
            "are at most as many; correct one of them."
        )


def _groups(keys: Keys, always: str, switched: dict[str, str]) -> list[str]:
    added = [groups for condition, groups in switched.items() if keys.holds(condition)]
    return " ".join([always, *added]).split()


def _not_used(keys: Keys, family: Family, built) -> None:
    """Sizes of a half that no block has: their keys are read past."""
    read = {size for kind in built for size in kind.sizes}
    if family.experts != "none" and "n_e" not in read:
        for name in EXPERT_COLUMNS:
            keys.touched.update(keys.spellings(name))
        keys.infer("n_moe", 0, "no block has experts: the keys of experts are not used")
    width = keys.spellings("d_FFN")
    if not {"d_FFN", *width} & (read | keys.touched) and keys.peek(width[0]) is not None:
        keys.infer("d_FFN", "none", f"no block has a dense layer: {width[0]} is not used")


def _named(rows: list[dict]) -> list[dict]:
    """The kinds, with a name for the attention of those whose mechanism and window another has in other sizes."""
    shapes: dict[str, set[str]] = {}
    for row in rows:
        if "attention" in row:
            shapes.setdefault(_title(row), set()).add(_shape(row))
    several = {title for title, found in shapes.items() if len(found) > 1}
    return [row | {"name": f"{_title(row)} {_shape(row)}"} if _title(row) in several else row for row in rows]


def _title(row: dict) -> str:
    return " ".join(row[part] for part in ("attention", "window") if part in row)


def _shape(row: dict) -> str:
    read = ("L_win", *mechanism_columns(row["attention"]))
    own = [f"{name} {size}" for name, size in row.get("sizes", {}).items() if name in read and name not in FOLLOWING]
    return " ".join([*own, *([f"last {row['queries']}"] if "queries" in row else [])])


def _shared_sizes(built: list[Kind]) -> dict[str, int]:
    values: dict[str, set[int]] = {}
    for kind in built:
        for name, size in kind.sizes.items():
            values.setdefault(name, set()).add(size)
    return {name: values[name].pop() for name in SIZES if len(values.get(name, ())) == 1}


def _shared_vectors(built: list[Kind], common: list[str]) -> list[str]:
    def everywhere(name: str) -> bool:
        places = set(VECTORS[name]) - {"once"}
        return all(name in kind.vectors for kind in built if places & kind.places)

    names = dict.fromkeys([*common, *(name for kind in built for name in kind.vectors)])
    return [name for name in names if any(name in kind.vectors for kind in built) and everywhere(name)]


def _row(kind: Kind, shared: dict[str, int], vectors: list[str]) -> dict:
    own = {name: size for name, size in kind.sizes.items() if name not in shared}
    groups = [name for name in kind.vectors if name not in vectors and kind.places & set(VECTORS[name])]
    row = {"attention": kind.attention, "window": kind.window, "feedforward": kind.feedforward}
    row |= {"sizes": own, "vectors": list(dict.fromkeys(groups)), "queries": kind.queries}
    return {name: value for name, value in row.items() if value}
