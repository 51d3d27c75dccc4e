"""Numbers in the explorer's tables as a reader finds them, names and units included, against those of Python."""

import re

import pytest

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.symbols import BW_Int, BW_mem, M_cap, P_acc
from analysis.systems.balanced import balanced, batch_at
from analysis.systems.quantities import evaluate, quantity

SIZES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3, "µ": 1e-6, "n": 1e-9}
NAMES = {"dense FFN": "dense_ffn", "all-reduce": "all_reduce", "absorbed products": "kv_decompression"}
RATES = {"arithmetic": P_acc, "memory": M_cap, "link": BW_Int}
DIGITS = 0.006  # three digits, the least 1.00
POINTS = range(0, 13, 4)  # of the map's contexts


@pytest.fixture(scope="module")
def printed(report):
    assert len(report["printed"]) == 5
    return [(each, setting(each["state"])) for each in report["printed"]]


def setting(state: dict[str, str]) -> Setting:
    """The system that an address names."""
    given = {name: text if re.search(r"[a-z]", text) else float(text) for name, text in state.items()}
    del given["order"]
    return Setting.of(**given, n_acc=given["deg_TP"] * given["deg_DP"])


def number(text: str) -> float:
    """A printed quantity in SI units.

    >>> number("1,234"), number("5.3\\u202fms"), number("8\\u202fTB/s"), number("2.1\\u202f%")
    (1234.0, 0.0053, 8000000000000.0, 0.021)
    """
    digits, _, unit = text.replace(",", "").partition("\u202f")
    if unit == "%":
        return float(digits) / 100
    size = unit[0] if len(unit) > 1 and unit not in ("B/s", "FLOP/s") else ""
    return float(digits) * SIZES[size]


def term(words: str) -> str:
    """The name of a term in Python; core attention says on the page what else it holds."""
    words = words.split(" and ")[0]
    return NAMES.get(words, words.replace(" ", "_"))


def test_terms_carry_their_own_times_and_shares(printed):
    for found, given in printed:
        wanted = {name: time for name, time in evaluate("tpot_terms", given).value.items() if time > 0}
        *rows, (last, whole, _) = found["terms"]
        assert [term(words) for words, *_ in rows] == list(wanted)
        assert (last, number(whole)) == ("sum", pytest.approx(sum(wanted.values()), rel=DIGITS))
        for words, time, share in rows:
            assert number(time) == pytest.approx(wanted[term(words)], rel=DIGITS)
            assert number(share) == pytest.approx(wanted[term(words)] / sum(wanted.values()), abs=0.0051)
    assert {"residual_streams"} <= {term(row[0]) for found, _ in printed for row in found["terms"]}


def test_batches_and_rates_are_those_of_evaluate(printed):
    for found, given in printed:
        rows = {words.split(",")[0]: text for words, text in found["batches"]}
        for name in ("B_RP", "B_cap", "B_SLO"):
            assert number(rows[name]) == int(evaluate(name, given).value), name
        assert number(rows["ridge point [FLOP/byte]"]) == pytest.approx(
            evaluate("ridge_point", given).value, rel=DIGITS
        )
        if given["B"] <= evaluate("B_cap", given).value:
            assert number(rows["tokens/s"]) == pytest.approx(evaluate("throughput", given).value, rel=DIGITS)
        else:
            assert rows["tokens/s"] == "does not fit memory"


def test_the_wanted_machine_has_the_ratios_of_the_design(printed):
    for found, given in printed:
        bandwidth = float(given.point[BW_mem])
        wanted = balanced(given, batch_at(given, bandwidth))
        assert [row[0] for row in found["design-rows"]] == list(RATES)
        for name, wants, has, over, per in found["design-rows"]:
            want, there = float(wanted[RATES[name]]), float(given.point[RATES[name]])
            shown = [number(each) for each in (wants, has, over, per)]
            assert shown == pytest.approx([want, there, there / want, want / bandwidth], rel=DIGITS), name


def test_the_map_prints_the_largest_term_in_brackets_where_nothing_holds_it(printed):
    for found, given in printed:
        letters = list(evaluate("tpot_terms", given).value)
        for row in (found["cells"][place] for place in POINTS):
            for place, cell in list(enumerate(row[1:]))[::5]:
                here = given.with_(L=number(row[0]), B=4**place)
                now = {
                    name: float(value(form, here.point))
                    for name, form in quantity("tpot_terms").expression(here).items()
                }
                largest = max(now, key=now.get)
                letter, share = cell.strip("()").split(" ")
                assert letters["ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter)] == largest
                assert int(share) == pytest.approx(100 * now[largest] / sum(now.values()), abs=0.51)
                assert cell.startswith("(") == (here["B"] > evaluate("B_cap", here).value)
