"""Numbers that others print about what a mechanism stores.

They are judged by its einsum lines, at the sizes of a row in data/models, or where there is none, at those that
data/published.csv gives beside the number. `claims_operations.py` has those about arithmetic, time and wires.
"""

from sympy import Add, Symbol

from analysis.ask.numbers import exact
from analysis.ask.points import row_point
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.attention import GQA, Mechanism
from analysis.derive.block import Conventions, attention_stages, flops
from analysis.derive.mechanisms import ALL, stored
from analysis.derive.sparse import GTA, MFA
from analysis.derive.symbols import BY_NAME, B, L, L_cut, causal, d_I, d_k, d_s, deg_grp, l, n_dec, n_hd, n_kv, n_v
from analysis.ledger.claims_memory import BINARY, DECIMAL, KV, R1, kv
from analysis.ledger.claims_published import ENDLESS, FP32
from analysis.ledger.findings import Judgement, claim, claims
from analysis.ledger.readings import Paper

STEP = {B: 1, l: 1, causal: 1, L: ENDLESS}
WIDTHS = {symbol: 4 if name in ("width_state", "width_scores") else 2 for name, symbol in BY_NAME.items()
          if name.startswith("width_")}  # fmt: skip
SIX_BITS = 6 / 8  # the cache of V2 as its report holds it [byte]


def sized(id_: str, **more: float) -> dict[Symbol, float]:
    """The sizes of a published number's model, or those beside it, as a point.

    One query of one request and 16 bit, unless `more` says otherwise.

    >>> from analysis.derive.symbols import d_hd
    >>> sized("P033")[d_hd], sized("P033", width_kv=1)[BY_NAME["width_kv"]]
    (256, 1)
    """
    row = datasets.models().get(datasets.claimed(id_).model)
    found = (
        STEP
        | WIDTHS
        | (row_point(row) if row else {})
        | sizes(id_)
        | {BY_NAME[name]: value for name, value in more.items()}
    )
    return found | ({deg_grp: found[n_hd] // found[n_kv]} if {n_hd, n_kv} <= found.keys() else {})


def sizes(id_: str) -> dict[Symbol, int]:
    """The sizes that data/published.csv gives beside a number."""
    pairs = (each.split("=") for each in datasets.claimed(id_).sizes)
    return {BY_NAME[name]: int(value) for name, value in pairs}


def row_bytes(mechanism: Mechanism, point: dict) -> float:
    """Bytes that a block of a mechanism keeps of a token [byte]."""
    return exact(stored(mechanism) / (B * L), point)


def cached(model: str, form: str = "", **widths: float) -> float:
    """Bytes of rows that a token more adds to a long context [byte], in all blocks: no windows, no states.

    `form` is a format of data/formats.yml, `widths` replace what it says.

    >>> cached("jamba-v0.1"), cached("deepseek-v3"), cached("deepseek-v3.2", "latent-fp8")
    (16384.0, 70272.0, 48068.0)
    """
    setting = Setting.of(model=model, B=1, L=ENDLESS, **({"format": form} if form else {}))
    point = setting.point | {BY_NAME[name]: width for name, width in widths.items()}
    owned = [kind for kind in setting.architecture.attending if not kind.mechanism.borrows]
    rows = [(kind.blocks * Add(*(t.stored for t in kind.mechanism.cache))).xreplace(kind.axes()) for kind in owned]
    held = [exact(Add(*rows), point | {L: tokens}) for tokens in (ENDLESS, 2 * ENDLESS)]
    return (held[1] - held[0]) / ENDLESS


def of_r1() -> dict[Symbol, float]:
    """R1's latent attention as a point like that of `sized`."""
    return STEP | WIDTHS | row_point(datasets.model(R1))


# -- what is stored ----------------------------------------------------------------------------------
@claim("P002")
def _index_key(paper: Paper) -> Judgement:
    width = sized("P002")[d_I]
    readings = (
        paper.reading("8 bit, with one scale of 32 bit", width + FP32),
        paper.reading("8 bit, scale not counted", width),
        paper.reading("16 bit", 2 * width),
    )
    reason = f"An index key has {width} elements of one byte; its scale adds {FP32}."
    return Judgement(readings, reason, "byte", KV)


@claims("P133", "P134", "P135")
def _kilobytes(paper: Paper, id_: str) -> Judgement:
    stored = kv(datasets.claimed(id_).model)
    readings = (
        paper.reading("KB of 10^3 bytes", stored / DECIMAL["K"]),
        paper.reading("KiB of 2^10 bytes", stored / BINARY["K"]),
    )
    return Judgement(readings, f"All blocks together keep {stored:,} bytes of a token.", "KB", KV)


@claims("P141", "P143", "P146")
def _context(paper: Paper, id_: str) -> Judgement:
    point = sized(id_, width_kv=1)
    row = datasets.claimed(id_).model
    kept = kv(row, width_kv=1) if row in datasets.models() else row_bytes(MFA, point) * point[n_dec]
    readings = (
        paper.reading("GB of 10^9 bytes", kept * point[L] / DECIMAL["G"]),
        paper.reading("GiB of 2^30 bytes", kept * point[L] / BINARY["G"]),
    )
    return Judgement(readings, f"A token takes {kept:,.0f} bytes of 8 bit, {point[L]:,} of them this.", "GB", KV)


@claim("P017")
def _jamba(paper: Paper) -> Judgement:
    tokens = sizes("P017")[L]
    kept = cached("jamba-v0.1") * tokens
    readings = (
        paper.reading("GB of 10^9 bytes", kept / DECIMAL["G"]),
        paper.reading("GiB of 2^30 bytes", kept / BINARY["G"]),
    )
    reason = f"Its blocks with attention keep {kept / 1e9:.2f} GB; states of the others are not counted."
    return Judgement(readings, reason, "GB", KV)


@claim("P020")
def _tied(paper: Paper) -> Judgement:
    point = sized("P020")
    tied, grouped = row_bytes(GTA, point), row_bytes(GQA, point)
    key = 2 * point[BY_NAME["d_RoPE"]]
    readings = (
        paper.reading("tied rows and the RoPE key that heads share", tied / grouped),
        paper.reading("tied rows alone", (tied - key) / grouped),
    )
    reason = f"A block keeps {tied:,} bytes of a token instead of {grouped:,}; {key} of them are the shared RoPE key."
    return Judgement(readings, reason, "1", KV)


@claim("P140")
def _saved(paper: Paper) -> Judgement:
    point = sized("P140")
    dense, latent = row_bytes(GQA, point) * point[n_dec], kv("deepseek-v2")
    readings = (
        paper.reading("latent rows in 6 bits, as served", 100 * (1 - latent * SIX_BITS / 2 / dense)),
        paper.reading("both in 16 bits", 100 * (1 - latent / dense)),
    )
    reason = (
        f"In 16 bits the latent saves {readings[1].value:.1f} %: {latent:,} bytes of a token instead of {dense:,}. "
        f"The other {readings[0].value - readings[1].value:.1f} points come from holding it in 6 bits."
    )
    return Judgement(readings, reason, "percent", KV)


# -- prompts in chunks -------------------------------------------------------------------------------
@claim("P030")
def _chunks(paper: Paper) -> Judgement:
    tokens, width = 64, 128  # of a chunk, and of a head: those of the printed formula
    sizes_ = {B: 1, n_v: 1, d_k: width, d_s: width, l: tokens, L: tokens, L_cut: tokens, causal: 0.5}
    work, steps = (
        exact(flops(attention_stages(ALL["KDA"], Conventions(prompt=each))["core"]), sizes_) / tokens
        for each in (True, False)
    )
    readings = (
        paper.reading("products of a chunk, half of each square", work),
        paper.reading("the same, and the inverse of a chunk", work + tokens**2),
        paper.reading("the recurrence, token by token", steps),
    )
    reason = (
        f"In a chunk of {tokens} four products meet half of a square of tokens: keys with keys, the solved values, "
        "queries with keys, and the answers. The printed sum has three of them, and the inverse."
    )
    return Judgement(readings, reason, "FLOP")
