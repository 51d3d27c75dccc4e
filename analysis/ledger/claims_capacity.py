"""Claims about the batch that fits memory (C023, C059 to C063, C065, C081); the readings are those of `audit`."""

from functools import cache, partial

from analysis.ask.numbers import value
from analysis.derive import capacity
from analysis.derive.attention import GQA, MHA, MLA
from analysis.derive.block import Architecture
from analysis.derive.symbols import d_hd, deg_grp, n_kv
from analysis.ledger import capacity_readings
from analysis.ledger.capacity_readings import Book
from analysis.ledger.findings import Judgement, claim
from analysis.ledger.paper_systems import B_RP, GPT3, LLAMA4, R1, accelerators, scenario
from analysis.ledger.printed_values import printed
from analysis.ledger.readings import AT_LEAST, BELOW, DIGITS, HIGHER, LOWER, NEAR, Paper, holds
from analysis.systems.quantities import evaluate, quantity

LABEL, FIGURE = quantity("B_cap").label, "fig-tpot-throughput"
CLAIMS = {"C059": R1, "C060": GPT3, "C061": LLAMA4}
BOOKS = {f"192 GB, weights {book}": {"weights": book} for book in ("eq11", "as_built", "once")} | {
    f"192 GiB, weights {book}": {"weights": book, "capacity_unit": "GiB"} for book in ("eq11", "as_built", "once")
}


@cache
def every_reading(system: str) -> dict[Book, int]:
    """Largest batch [requests] of a system of the paper under every reading of the memory book."""
    return capacity_readings.readings(scenario(system))


@cache
def giving(*claims: str) -> list[Book]:
    """The readings that give what the paper prints in all of these claims."""
    settings = {CLAIMS[each]: scenario(CLAIMS[each]) for each in claims}
    return capacity_readings.giving_all({CLAIMS[each]: printed(each)[0].value for each in claims}, settings)


def _capacity(paper: Paper, system: str) -> Judgement:
    found = every_reading(system)
    readings = tuple(paper.reading(str(book), batch) for book, batch in found.items())
    together, wanted = len(giving(*CLAIMS)), paper.numbers[0].value
    exact = [
        capacity_readings.unrounded(capacity_readings.filled(book), scenario(system))
        for book, batch in found.items()
        if batch == wanted
    ]
    reason = (
        f"Table I's 192 GB and the weights that Eq. 11 names give {readings[0].value}; {len(exact)} of "
        f"{len(readings)} readings of capacity, blocks, weights, activations and rounding give the printed "
        f"{wanted:g} ({min(exact):.7g} to {max(exact):.7g} before rounding), and {together or 'none'} of "
        f"{len(capacity_readings.books())} gives it together with the other two models' batches."
    )
    return Judgement(readings, reason, "requests", LABEL, FIGURE)


for _id, _system in CLAIMS.items():
    claim(_id)(partial(_capacity, system=_system))


@claim("C062")
def _ratios(paper: Paper) -> Judgement:
    first = [next(iter(every_reading(each).values())) for each in (R1, GPT3, LLAMA4)]
    batches = {"192 GB, weights as in Eq. 11": first}
    batches |= {"as built": [_cap(each, weights="as_built") for each in (R1, GPT3, LLAMA4)]}
    batches |= {"the three printed batches": [printed(each)[0].value for each in CLAIMS]}
    nearly, exact = paper.numbers
    readings = tuple(
        holds(f"{name}, nearly {nearly.value:g}", ratios, NEAR(ratios[0], nearly.value), DIGITS(ratios[1], exact))
        for name, ratios in ((name, (r1 / gpt3, r1 / llama4)) for name, (r1, gpt3, llama4) in batches.items())
    )
    first, _, from_print = (reading.value for reading in readings)
    reason = (
        f"The printed batches have ratios of {from_print[0]:.2f} and {from_print[1]:.3f}; with 192 GB and the weights "
        f"of Eq. 11 they are {first[0]:.1f} and {first[1]:.2f}, and {len(giving('C059', 'C060'))} of "
        f"{len(capacity_readings.books())} readings give R1's and GPT-3's batch together, "
        f"{len(giving('C059', 'C061'))} R1's and Llama 4's."
    )
    return Judgement(readings, reason, "1", LABEL, FIGURE)


def _cap(system: str, **given) -> int:
    return evaluate("B_cap", scenario(system, **given)).value


@claim("C023")
def _fits_128(paper: Paper) -> Judgement:
    wanted = 128

    def per_accelerator(**given) -> tuple[float, float]:
        return tuple(_cap(each, **given) / accelerators(scenario(each)) for each in (LLAMA4, R1))

    found = {name: per_accelerator(**given) for name, given in BOOKS.items()}
    readings = tuple(
        holds(name, each, BELOW(each[0], wanted), AT_LEAST(each[1], wanted)) for name, each in found.items()
    )
    first = readings[0].value
    reason = (
        f"At L = 8192 memory holds {first[0]:.1f} requests per GPU of Llama 4 and {first[1]:.1f} of R1, against "
        f"{wanted}; the highest count for Llama 4 under any reading is {max(each[0] for each in found.values()):.1f}."
    )
    return Judgement(readings, reason, "requests", LABEL, FIGURE)


@claim("C063")
def _approaches(paper: Paper) -> Judgement:
    def shares(**given) -> tuple[float, ...]:
        return tuple(_cap(each, **given) / B_RP(each) for each in (R1, GPT3, LLAMA4))

    found = {name: shares(**given) for name, given in BOOKS.items()}
    own = printed("C059")[0].value / B_RP(R1)
    readings = tuple(
        holds(f"{name}, B_cap over B_RP of R1, GPT-3 and Llama 4", each, NEAR(each[0]), *map(LOWER, each[1:]))
        for name, each in found.items()
    )
    r1, gpt3, llama4 = readings[0].value
    reason = (
        f"At 8192 tokens memory holds {r1:.2f} of the batch at which R1's layers of weights reach the ridge point, "
        f"{gpt3:.2f} of GPT-3's and {llama4:.2f} of Llama 4's; these batches are {B_RP(R1):.0f}, {B_RP(GPT3):.0f} and "
        f"{B_RP(LLAMA4):.0f}. The batch that the paper prints for R1 is {own:.2f} of it. Only if every weight is "
        f"stored once does R1 come within a tenth ({readings[2].value[0]:.2f})."
    )
    return Judgement(readings, reason, "1", LABEL, "fig-batch-ridge")


def _variant(book: str, attention: str = MLA.name, experts: bool = True) -> float:
    """B_cap [requests] of R1 with another attention of equal heads, or with its dense layer in every block."""
    setting = scenario(R1)
    row = setting.model
    heads = {MHA.name: row.n_hd, GQA.name: 8}.get(attention)
    point = setting.point | ({n_kv: heads, d_hd: row.d_nope, deg_grp: row.n_hd // heads} if heads else {})
    blocks = Architecture(attention, experts=experts, shared=experts, vectors=("norms",))
    return float(value(capacity.B_cap(blocks, setting.conventions, book), point))


@claim("C065")
def _tightens_and_relaxes(paper: Paper) -> Judgement:
    def changes(book: str) -> tuple[float, ...]:
        whole = _variant(book)
        return whole / _variant(book, experts=False), whole / _variant(book, MHA.name), whole / _variant(book, GQA.name)

    found = {book: changes(book) for book in ("eq11", "as_built")}
    readings = tuple(
        holds(f"R1 on 32 B200 at L = 8192, weights {book}", each, LOWER(each[0]), *map(HIGHER, each[1:]))
        for book, each in found.items()
    )
    experts, mha, gqa = readings[0].value
    reason = (
        f"With experts in place of its dense layer R1 holds {experts:.2f} times the requests, with MLA {mha:.1f} times "
        f"those of an MHA with as many heads and {gqa:.2f} times those of a GQA with 8 key-value heads."
    )
    return Judgement(readings, reason, "1", LABEL, "fig-memory")


@claim("C081")
def _fp8_weights(paper: Paper) -> Judgement:
    bound = paper.numbers[0].value
    widths = {"FP8 weights": {"width_weights": 1}, "FP8 weights and cache": {"width_weights": 1, "width_kv": 1}}
    books = {
        "192 GB, Eq. 11": {"weights": "eq11"},
        "192 GB, as built": {"weights": "as_built"},
        "192 GiB, Eq. 11": {"weights": "eq11", "capacity_unit": "GiB"},
        "192 GiB, as built": {"weights": "as_built", "capacity_unit": "GiB"},
    }
    found = {
        f"{width}, {book}": _cap(R1, **given, **more) for width, given in widths.items() for book, more in books.items()
    }
    readings = tuple(holds(name, batch, AT_LEAST(batch, bound)) for name, batch in found.items())
    whole = _cap(R1, weights="eq11")
    reason = (
        f"FP8 weights raise R1's B_cap at L = 8192 from {whole} to {readings[0].value}, or "
        f"{100 * readings[0].value / bound:.1f} % of the {bound:g} wanted; with 192 GiB it is {readings[2].value}, and "
        f"with the cache in FP8 too {readings[4].value}."
    )
    return Judgement(readings, reason, "requests", LABEL, FIGURE)
