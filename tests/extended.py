"""Everything that lists mechanisms or takes a model, asked in one process of a study that has a mechanism more.

python -m tests.extended MODEL, from the root of that study: prints what was found as one JSON object.
"""

import json
import sys
import warnings

import matplotlib as mpl
import nbformat
import numpy as np

from analysis.ask.notebook import declared
from analysis.ask.setting import Setting
from analysis.book.report.sheet import page
from analysis.book.report.subject import system_of
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render import derivations, equations, explorer, show, style, tables
from analysis.systems.plan import plans
from analysis.systems.quantities import all_quantities, evaluate
from analysis.systems.reordered import buildable
from analysis.thesis.kinds import kinds

FEW = {
    "batches": "64,1024",
    "contexts": "1024,16384",
    "queries": "1,4,256",
    "degrees": "1,2,8",
    "batches_tp": "64",
    "accelerators": "b200-sxm",
    "skews": "0.8",
}
OTHERS = ("machine", "measured")  # notebooks of computers, not of a model


def executed(name: str, model: str) -> list[str]:
    """Captions and texts of a notebook's figures, few points of each drawn; the sentence where it refuses."""
    path, shown = ROOT / "book" / "notebooks" / f"{name}.ipynb", []
    show.display = lambda data, raw, metadata=None: shown.append((metadata or {}).get(show.KEY, {}))
    first, *cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    taken, names = declared(path), {}
    exec(first, names)
    names |= {each: value for each, value in FEW.items() if each in taken}
    names |= {"model": model} if "model" in taken else {"models": f"gpt3-175b,{model}"}
    try:
        for cell in cells:
            exec(cell, names)
    except InputError as refusal:
        return [f"refused: {refusal}"]
    return [f"{each['caption']} {each['alt']}" for each in shown if "caption" in each]


def quantities(model: str) -> dict[str, object]:
    """Every quantity in both orders under tensor parallelism of 1, 2 and 8, the sentence where one does not exist."""
    system = {"model": model, "accelerator": "b200-sxm", "n_acc": 32, "B": 64, "L": 8192, "slo": 0.05}
    found: dict[str, object] = {}
    for order in ("as_printed", "reordered"):
        for TP in (1, 2, 8):
            for each in all_quantities():
                try:
                    value = evaluate(each.name, order=order, deg_TP=TP, **system).value
                except InputError as refusal:
                    value = str(refusal)
                found[f"{each.name} {order} {TP}"] = value if isinstance(value, str | dict) else float(value)
    return found


def listed(mechanism: str) -> dict[str, str]:
    """What the book's pages print where they list models and mechanisms."""
    return {
        "models": tables.models_table(),
        "allowed": tables.data_dictionary("models"),
        "limits": derivations.limit_table(),
        "orders": derivations.both_orders_equation("flops", "eq-orders", mechanism),
        "crossing": derivations.crossing_equation("flops", "eq-crossing", mechanism),
        "cached": equations.equation("kv_bytes_per_token"),
        "colour": style.COLOURS[style.family(mechanism)],
    }


def planned(model: str) -> dict[str, int]:
    """The best plan's degrees where one accelerator cannot hold the model."""
    return plans(Setting.of(model=model, accelerator="b200-sxm", n_acc=32, L=8192, slo=0.05))[0].degrees


def found(model: str) -> dict[str, object]:
    """All of it."""
    row = datasets.model(model)
    notebooks = [path.stem for path in sorted((ROOT / "book" / "notebooks").glob("*.ipynb"))]
    system = Setting.of(accelerator="b200-sxm", n_acc=32, accelerator_experts="pim-paper", width=2)
    script = explorer.script()
    return {
        "quantities": quantities(model),
        "degrees": buildable(Setting.of(model=model), np.array([1, 2, 4, 6, 8])).tolist(),
        "plan": planned(model),
        "kinds": [[each.setting.model.id, each.setting.conventions.order] for each in kinds(system, [model], 8192)],
        "listed": listed(row.attention),
        "explorer": [f"{row.attention} {order}" in script for order in ("as_printed", "reordered")],
        "report": page(system_of({"model": model, "accelerator": "b200-sxm", "n_acc": 32}), [], {}),
        "notebooks": {name: executed(name, model) for name in notebooks if name not in OTHERS},
    }


if __name__ == "__main__":
    mpl.use("agg")
    warnings.simplefilter("ignore")
    print(json.dumps(found(sys.argv[1])))
