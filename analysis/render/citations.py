"""Every labelled result of the book in one machine-readable file, `_static/derivations.json`.

Labels, statements and LaTeX are read from the pages as they are staged; closed forms come from the quantities whose
equations they are, as sympy's `srepr`, which `sympy.sympify` reads back.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from sympy import Expr, srepr

from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.parameters import CHOICE, PARAMETERS
from analysis.evaluate.quantities import Quantity, all_quantities
from analysis.evaluate.setting import Setting
from analysis.render.equations import subjects

CITATION = Path(__file__).resolve().parents[2] / "CITATION.cff"
GENERATED = "_assets/derivations.json"
KINDS = {"eq": "equation", "fig": "figure", "tab": "table", "prop": "proposition", "sec": "section"}
DIRECTIVE = re.compile(r"^(?P<fence>[`:]{3,})\{[\w:-]+\} ?(?P<title>.*)\n(?P<options>(?::[\w-]+:.*\n)+)", flags=re.M)
HEADING = re.compile(r"^\((?P<label>[\w-]+)\)=\n+#+ (?P<title>.*)$", flags=re.M)
PAPER = {
    "kv_bytes_per_token": "Sec. III",
    "core_attention_flops": "Eqs 1 to 8, Table III",
    "core_attention_bytes": "Table III",
    "core_attention_intensity": "Table III",
    "kv_decompression_flops": "Table III",
    "attention_block_time": "Fig. 6",
    "expert_intensity": "Sec. V",
    "ridge_point": "Table I",
    "B_attn": "Eq. 10",
    "B_MoE": "Eq. 10",
    "B_RP": "Eq. 10",
    "tpot": "Eq. 12",
    "tpot_terms": "Eq. 12",
    "tpot_bound": "Eq. 12",
    "all_to_all_time": "Eq. 13",
    "B_cap": "Eq. 11",
    "B_SLO": "Eq. 12",
    "load_imbalance": "Sec. VII-C",
    "parameters": "Fig. 4",
    "active_parameters": "Fig. 4",
    "throughput": "Fig. 9",
    "throughput_per_accelerator": "Fig. 2",
}


def generated_files(staged: Mapping[str, bytes]) -> dict[str, bytes]:
    """The file of derivations, from the staged pages: name in the staged book, to content."""
    pages = {name: content.decode() for name, content in staged.items() if name.endswith(".md")}
    return {GENERATED: json.dumps(derivations(pages), indent=1, ensure_ascii=False).encode()}


def derivations(pages: Mapping[str, str]) -> dict:
    """Version, and one entry per label: kind, statement, place in the book, and for equations what computes them."""
    quantities = {quantity.label: quantity for quantity in all_quantities()}
    found = [entry for name in sorted(pages) for entry in labelled(name, pages[name])]
    for entry in found:
        if entry["label"] in quantities:
            entry |= _computed(quantities[entry["label"]])
    version = yaml.safe_load(CITATION.read_text())["version"]
    return {"version": str(version), "results": sorted(found, key=lambda entry: entry["label"])}


def labelled(name: str, text: str) -> Iterable[dict]:
    r"""The labelled equations, figures, tables, propositions and sections of a staged page.

    >>> list(labelled("a.md", "```{math}\n:label: eq-x\nx\n```\n"))
    [{'label': 'eq-x', 'kind': 'equation', 'statement': '', 'place': 'a.html#equation-eq-x', 'latex': 'x'}]
    """
    for match in DIRECTIVE.finditer(text):
        options = dict(re.findall(r"^:([\w-]+): (.*)$", match["options"], flags=re.M))
        label = options.get("label") or options.get("name")
        if label:
            entry = _entry(name, label, options.get("alt") or match["title"])
            body = text[match.end() :].partition("\n" + match["fence"])[0]
            yield entry | ({"latex": body.strip()} if entry["kind"] == "equation" else {})
    for match in HEADING.finditer(text):
        yield _entry(name, match["label"], match["title"])


def _entry(name: str, label: str, statement: str) -> dict:
    kind = KINDS.get(label.partition("-")[0])
    if kind is None:
        raise InputError(f"{name}: label {label!r} begins with none of {', '.join(KINDS)}; rename it.")
    page = name.removesuffix(".md")
    anchor = f"equation-{label}" if kind == "equation" else label
    return {"label": label, "kind": kind, "statement": statement, "place": f"{page}.html#{anchor}"}


def _computed(quantity: Quantity) -> dict:
    return {
        "statement": quantity.title,
        "unit": quantity.unit,
        "paper": PAPER.get(quantity.name, ""),
        "python": f"analysis.evaluate.quantities.evaluate({quantity.name!r}, ...)",
        "in_words": quantity.closed_form,
        "forms": list(_forms(quantity)),
    }


def _forms(quantity: Quantity) -> Iterable[dict]:
    """A closed form for each mechanism and order that the quantity exists for, equal ones once."""
    found: dict[str, list[str]] = {}
    assumed = {}
    for remark, chosen in subjects() if quantity.expression else ():
        setting = Setting.of(**chosen, accelerator=next(iter(datasets.accelerators())), link=_any_link())
        try:
            quantity.domain(setting)
        except InputError:
            continue  # the model has no such part
        form = json.dumps(_written(quantity.expression(setting)))
        found.setdefault(form, []).append(remark)
        assumed.setdefault(form, _assumptions(setting))
    for form, remarks in found.items():
        yield {"of": remarks, "assumptions": assumed[form], "srepr": json.loads(form)}


def _any_link() -> str:
    return next(iter(datasets.interconnects()))


def _written(form: Expr | dict[str, Expr]) -> str | dict[str, str]:
    return {part: srepr(each) for part, each in form.items()} if isinstance(form, dict) else srepr(form)


def _assumptions(setting: Setting) -> dict[str, object]:
    """The discrete choices that shape a closed form; what is a symbol is no assumption. All symbols are positive."""
    choices = (name for name, parameter in PARAMETERS.items() if parameter.kind == CHOICE)
    shaping = {name: setting.echo[name] for name in choices if setting.echo.get(name) is not None}
    return {name: value for name, value in shaping.items() if name not in ("phase", "peak", "placement", "draws")}
