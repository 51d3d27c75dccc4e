"""What the pages print: every equation once, numbers as computed by hand, tables that say what they should."""

import re
from collections import Counter

import numpy as np
import pytest
import yaml
from sympy import Max, Symbol
from sympy.parsing.sympy_parser import parse_expr

from analysis.ask.parameters import PARAMETERS
from analysis.book import head_values, reference
from analysis.book.page import NAMES, template_functions
from analysis.cli.main import main
from analysis.derive.attention import MECHANISMS
from analysis.derive.symbols import BY_NAME, LATEX, MEANINGS
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.ledger.ledger import ledger
from analysis.ledger.paper_systems import scenario
from analysis.ledger.readings import VERDICTS
from analysis.render import audit_tables, derivations, equations, latex, ledger_tables, paper_tables, prose, tables
from analysis.render.digits import digits_of, percent, with_unit
from analysis.systems import quantities
from analysis.systems.quantities import quantity
from analysis.systems.quantity import QUANTITIES

PAGES = sorted((ROOT / "book").glob("*.md"))
HEAD = r"\A---\n.*?^---\n"
TEXT = {page.name: page.read_text() for page in PAGES}
CALL = re.compile(r"(?<!\w)(?:equation|sum_equation|multiple_equation|parts_equation|read_equation)\(\"(\w+)\"")


def placed(text):
    """Labels of the figures that a page places."""
    return re.findall(r"^(?:\{\{ figure\(\"|\{show\}`)([\w-]+)(?:\"\) \}\}|`)$", text, flags=re.M)


def names(text):
    """A closed form written in ASCII names, over the study's symbols."""
    return parse_expr(text, local_dict={**BY_NAME, "Max": Max})


# -- equations ---------------------------------------------------------------------------------------
def test_every_quantity_has_its_equation_exactly_once():
    quantity("parameters")  # registers the system's quantities too
    printed = Counter(name for text in TEXT.values() for name in CALL.findall(text))
    assert printed == dict.fromkeys(QUANTITIES, 1)


def test_every_figure_of_a_notebook_has_one_place_in_the_book():
    notebooks = "".join(path.read_text() for path in (ROOT / "book" / "notebooks").glob("*.ipynb"))
    shown = set(re.findall(r'\\"(fig-[\w-]+)\\"', notebooks)) - {"fig-smoke"}
    found = Counter(label for text in TEXT.values() for label in placed(text))
    assert found == dict.fromkeys(shown, 1)


def test_the_ledger_points_to_what_the_book_shows():
    text = "".join(TEXT.values())
    equations_shown = {each.label for each in QUANTITIES.values()}
    for finding in ledger():
        assert not finding.figure or finding.figure in placed(text), finding.id
        assert not finding.equation or finding.equation in equations_shown, finding.id


def test_an_equation_bears_the_label_of_its_quantity():
    assert ":label: eq-kv-bytes-per-token\n" in equations.equation("kv_bytes_per_token")
    assert ":label: eq-b-slo\n" in equations.equation("B_SLO")


@pytest.mark.parametrize(
    ("name", "remark", "form"),
    [
        ("core_attention_flops", "MHA", "4*B*L*causal*d_hd*l*n_hd"),
        ("core_attention_flops", "GQA", "4*B*L*causal*d_hd*deg_grp*l*n_kv"),
        ("core_attention_intensity", "GQA", "2*L*causal*deg_grp*l/(L*width_kv + deg_grp*l*width_activations)"),
        ("B_attn", "", "RP_acc*width_weights/(2*l)"),
    ],
)
def test_closed_forms_are_the_ones_written_by_hand(name, remark, form):
    """A remark may name further mechanisms whose form is the same."""
    (found,) = [each for label, each in equations.forms(name) if remark in label.split(", ")]
    assert (found - names(form)).simplify() == 0


def test_forms_that_are_equal_are_printed_once():
    """One of grouped heads, one of all heads, one of a latent; a mechanism that is added may bring one of its own."""
    remarks, forms = zip(*equations.forms("kv_bytes_per_token"), strict=True)
    assert len(set(forms)) == len(forms)
    named = [name for remark in remarks for name in remark.split(", ")]
    assert len(named) == len(set(named)) == len(MECHANISMS)
    assert {"MHA", "GQA", "MLA, MLA direct"} <= set(remarks), "the cache does not depend on the order"


def test_symbols_are_printed_as_their_table_says():
    assert latex.tex(BY_NAME["d_KVco"]) == r"d_{\mathrm{KVco}}"
    assert len(set(map(latex.tex, LATEX))) == len(LATEX), "two symbols that look alike"


@pytest.mark.parametrize("name", ["parameters", "attention_block_time", "core_attention_intensity"])
def test_arranging_a_form_does_not_change_it(name):
    import random

    setting = equations.Setting.of(model="deepseek-v3", accelerator="b200-paper")
    form = quantity(name).expression(setting)
    draw = random.Random(1)
    point = {symbol: draw.randint(1, 40) for symbol in form.free_symbols}
    assert form.xreplace(point).simplify() == latex.tidy(form).xreplace(point).simplify()


def test_long_forms_are_broken_and_keep_every_term():
    letters = [Symbol(f"letter_{i:02d}") for i in range(30)]
    lines = latex.broken(sum(letters))
    assert len(lines) > 2
    assert all(lines[i].startswith("+ ") for i in range(1, len(lines)))
    assert sum(line.count("letter") for line in lines) == 30


# -- derivations -------------------------------------------------------------------------------------
def test_limits_in_decode_are_one_the_group_and_the_heads_of_a_latent():
    assert derivations.limit_value("MHA") == 1
    assert derivations.limit_value("GQA") == 40 / 8
    assert derivations.limit_value("MLA") == 1
    assert derivations.limit_value("MLA", "reordered") == pytest.approx(128 * (512 + 512 + 64) / (512 + 64))
    assert derivations.limit_value("MLA", "as_printed", "prefill") == float("inf")


def test_limit_table_has_every_mechanism_and_step():
    text = derivations.limit_table()
    for remark in ("MHA", "GQA", "MLA as printed", "MLA reordered"):
        assert f"| {remark}, decode |" in text
        assert f"| {remark}, prefill |" in text


def test_einsum_prints_the_lines_of_the_derivation():
    text = derivations.einsum("MLA", "core", "reordered")
    for line in MECHANISMS["MLA"].stages("reordered")["core"]:
        assert f"`{line}`" in text
    with pytest.raises(InputError, match="no such stage; allowed are projections"):
        derivations.einsum("MLA", "cores")


# -- numbers -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, 3, "0"),
        (0.00012345, 2, "0.00012"),
        (999.6, 3, "1,000"),
        (-2.71, 2, "\N{MINUS SIGN}2.7"),
        (1e6, 3, "1,000,000"),
    ],
)
def test_digits(value, digits, text):
    assert digits_of(value, digits) == text


def test_numbers_carry_units_and_refuse_foreign_ones():
    assert with_unit(61 * 576 * 2, "byte", "KiB").startswith("68.6")
    assert percent(0.5) == "50\N{NARROW NO-BREAK SPACE}%"
    with pytest.raises(InputError, match="unit=GHz: not a unit of a number in byte"):
        with_unit(1, "byte", "GHz")


def test_numbers_in_prose_are_those_of_hand_arithmetic():
    assert prose.number("ridge_point", accelerator="b200-paper", digits=5) == digits_of(2250 / 8, 5)
    assert prose.number("B_MoE", model="deepseek-v3", accelerator="b200-paper") == digits_of(2250 / 8 * 256 / 8)
    mha, mla = 2 * 96 * 12288 * 2, 61 * 576 * 2
    assert prose.ratio("kv_bytes_per_token", {"model": "gpt3-175b"}, {"model": "deepseek-v3"}) == digits_of(mha / mla)
    with pytest.raises(InputError, match="has nothing called 'weights'"):
        prose.number("expert_intensity", beside="weights", model="deepseek-v3", B=1)


def test_shares_of_layers_add_up():
    given = {"model": "deepseek-v3", "accelerator": "b200-paper", "B": 128, "L": 4096}
    titles = ("projections", "absorbed products", "core attention", "output projection")
    assert prose.layer_share(*titles, **given) == percent(1)
    with pytest.raises(InputError, match="no layer 'softmax'"):
        prose.layer_share("softmax", **given)


def test_pages_type_no_computed_number():
    """Digits stand only inside calls, code, links, headings of versions and names; heads have a check of their own."""
    allowed = r"\{\{.*?\}\}|\{%.*?%\}|`{3,}(?:sh|python).*?`{3,}|`{3,}|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$"
    for name, text in TEXT.items():
        if head_values.parsed(text):
            continue
        prose_only = re.sub(allowed, "", text, flags=re.S | re.M)
        decimals = re.findall(r"\d+\.\d+", prose_only)
        assert set(decimals) <= {"3.11", "4.0"}, f"{name} types {decimals}"


# -- tables ------------------------------------------------------------------------------------------
def test_a_cell_cannot_break_its_table():
    assert tables.table(["a"], [["x|y\nz"]], "c", "n").splitlines()[-2] == r"| x\|y z |"


def test_reference_tables_have_a_row_for_everything():
    assert tables.symbols_table().count("\n| $") == len(MEANINGS)
    assert tables.conventions_table().count("\n| `") == len(PARAMETERS)


def test_table1_shows_the_row_that_contradicts_itself():
    rows = {line.split("|")[1].strip(): line for line in paper_tables.table1().splitlines() if line.startswith("| ")}
    assert "| none |" in rows["B200"]
    assert all(number in rows["TPU v7"] for number in ("311.76", "320.42", "\N{MINUS SIGN}2.7"))


def test_table3_says_what_the_printed_entries_leave_out():
    rows = [line for line in paper_tables.table3().splitlines() if "(`C0" in line]
    assert len(rows) == 8
    left_out = {re.search(r"C\d+", row)[0]: row.split("|")[-2].strip() for row in rows}
    assert left_out["C033"] == "`c_KV` not charged"
    assert left_out["C034"] == "`q_N` not charged"
    assert left_out["C036"] == "every operand charged"


def test_the_summary_links_every_claim_to_its_line_in_the_ledger():
    text = ledger_tables.summary_table()
    lines = "".join(ledger_tables.ledger_table(verdict) for verdict in VERDICTS)
    for finding in ledger():
        assert text.count(f'href="ledger.html#{finding.id}"') == 1
        assert lines.count(f'id="{finding.id}"') == 1
    assert sum(int(cell) for cell in re.findall(r"\| (\d+) \|", text)) == len(ledger())


def test_a_line_of_the_ledger_folds_its_readings_and_names_its_test():
    rows = ledger_tables.ledger_table("reproduced under a reading").splitlines()
    assert not any(re.search(r"0\.0{5}", row) for row in rows)  # a rounding error is no deviation
    row = next(line for line in rows if "**C018**" in line)
    assert "4 readings, 1 fit" in row
    assert (row.count("✓"), row.count("✗")) == (1, 3)
    assert "<code>tests/ledger/test_ledger.py</code>" in row
    assert next(line for line in rows if "**C059**" in line).endswith("</details> |")


def test_a_verdict_in_a_sentence_needs_a_claim():
    assert ledger_tables.verdict("C006").endswith(": error in the paper")
    with pytest.raises(InputError, match="there is no such claim"):
        ledger_tables.why("C999")


# -- audits ------------------------------------------------------------------------------------------
def cells(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]


def test_no_reading_of_the_memory_book_gives_all_three_printed_batches():
    fitting = {row[0][-6:-2]: row[-1] for row in cells(audit_tables.capacity_table())[1:]}
    assert fitting == {"C059": "15 of 1,728", "C060": "2 of 192", "C061": "16 of 864"}
    assert [row[1] for row in cells(audit_tables.capacity_pairs())[1:]] == ["4", "2", "2", "none"]


def test_one_expert_per_accelerator_leaves_nothing_to_place():
    rows = cells(audit_tables.placement_table())[1:]
    alone = {row[3] for row in rows if "copies" not in row[0] and row[1] == "all different"}
    assert len(rows) == 10
    assert alone == {"17.88"}


def test_tokens_and_latency_found_give_the_printed_times_by_hand():
    copies = 7168 * 8 * 2  # bytes of a token's copies: d_emb, n_k, two bytes
    for row in cells(audit_tables.inverse_table())[1:]:
        tokens, latency = float(row[1]), float(row[2])
        times = [tokens * copies / rate * 1e6 + latency for rate in (900e9, 100e9)]
        near = [times[0] == pytest.approx(17.65, abs=0.02), times[1] == pytest.approx(151.8, abs=0.1)]
        assert all(near) if "both links" in row[0] else near["InfiniBand" in row[0]], row


@pytest.mark.parametrize("system", ["r1-32", "llama4-32"])
def test_eq12_exceeds_the_time_just_below_the_batch_that_is_named(system):
    found = audit_tables.bound_holds_from(scenario(system).given)
    setting = scenario(system, weights="eq11").with_(B=np.array([found - 1, found]))
    over = quantities.evaluate("tpot_eq12", setting).value > quantities.evaluate("tpot", setting).value
    assert over.tolist() == [True, False]


# -- the page ----------------------------------------------------------------------------------------
def test_templates_see_every_name():
    assert set(NAMES) < set(template_functions({}, {}))


def test_the_page_on_reruns_names_every_command_and_notebook():
    commands = {name for name in main.commands if f"`{name}`" not in TEXT["rerun.md"]}
    assert not commands, f"rerun.md does not name {commands}"
    for path in reference.NOTEBOOKS.glob("*.ipynb"):
        assert f"</notebooks/{path.stem}>`" in reference.notebooks_table()


def test_every_page_is_in_the_table_of_contents():
    contents = (ROOT / "book" / "_toc.yml").read_text()
    for page in PAGES:
        assert re.search(rf"(file|root): {page.stem}\n", contents), page.name


def test_the_sidebar_has_at_most_thirty_entries_to_begin_with():
    """What stands below a chapter is unfolded there."""
    parts = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())["parts"]
    assert sum(len(part["chapters"]) for part in parts) <= 30


def test_a_breakdown_without_a_model_is_refused_in_one_sentence():
    with pytest.raises(InputError, match="tpot_terms: a breakdown is of a whole model; give model="):
        equations.equation("tpot_terms")
