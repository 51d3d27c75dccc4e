"""Everything that lists mechanisms or takes a model, asked in one process of a study that has two mechanisms more.

python -m tests.extended MODEL OTHER, from the root of that study: prints what was found as one JSON object, all of the
model, and of the other what its smallest users see.
"""

import json
import sys
import warnings
from contextlib import redirect_stdout
from io import StringIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

from analysis.ask.notebook import declared
from analysis.ask.setting import Setting
from analysis.book.report.sheet import page
from analysis.book.report.subject import system_of
from analysis.cli.main import run
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.render import derivations, equations, explorer, style, tables
from analysis.systems.plan import plans
from analysis.systems.quantities import all_quantities, evaluate
from analysis.systems.reordered import buildable
from analysis.thesis.kinds import kinds
from tests import compared, notebooks  # noqa: F401 (the first takes effect)

FEW = {
    "batches": "64,1024",
    "contexts": "1024,16384",
    "queries": "1,4,256",
    "degrees": "1,2,8",
    "batches_tp": "64",
    "skews": "0.8",
}
OTHERS = ("machine", "measured")  # notebooks of computers, not of a model


def executed(name: str, model: str) -> list[str]:
    """Captions and texts of a notebook's figures on another accelerator, few points in each and none drawn; the
    sentence where it refuses."""
    taken = declared(notebooks.FOLDER / f"{name}.ipynb")
    given = notebooks.ELSEWHERE.get(name, {}) | {each: value for each, value in FEW.items() if each in taken}
    given |= {"model": model} if "model" in taken else {"models": f"gpt3-175b,{model}"}
    pyplot.close("all")
    try:
        figures, _ = notebooks.executed(name, drawn=[], **given)
    except InputError as refusal:
        return [f"refused: {refusal}"]
    return [f"{each['caption']} {each['alt']}" for each in figures.values()]


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


def listed(row) -> dict[str, str]:
    """What the book's pages print where they list models and mechanisms, of the model's own line alone."""
    mechanism = row.attention
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "models", lambda: {row.id: row})
        models = tables.models_table()
    return {
        "models": models,
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


def told(*arguments: str) -> str:
    """What a command prints."""
    with redirect_stdout(StringIO()) as printed:
        assert run(list(arguments)) == 0
    return printed.getvalue()


def asked(model: str) -> dict[str, object]:
    """A model as the command line and one notebook have it."""
    few = (f"model={model}", "B=2", "L=10", "accelerator=b200-paper")
    names = ("kv_bytes_per_token", "parameters", "core_attention_flops", "tpot_terms")
    values = {name: json.loads(told("evaluate", name, *few, "--json"))["value"] for name in names}
    return values | {"listed": told("models"), "drawn": executed("intensity", model)}


def found(model: str) -> dict[str, object]:
    """All of it."""
    row = datasets.model(model)
    system = Setting.of(accelerator="b200-sxm", n_acc=32, accelerator_experts="pim-paper", width=2)
    script = explorer.script([model])
    return {
        "quantities": quantities(model),
        "degrees": buildable(Setting.of(model=model), np.array([1, 2, 4, 6, 8])).tolist(),
        "plan": planned(model),
        "kinds": [[each.setting.model.id, each.setting.conventions.order] for each in kinds(system, [model], 8192)],
        "listed": listed(row),
        "explorer": [f"{row.attention} {order}" in script for order in ("as_printed", "reordered")],
        "report": page(system_of({"model": model, "accelerator": "b200-sxm", "n_acc": 32}), [], {}),
        "notebooks": {name: executed(name, model) for name in notebooks.EVERY if name not in OTHERS},
    }


if __name__ == "__main__":
    mpl.use("agg")
    warnings.simplefilter("ignore")
    model, other = sys.argv[1:]
    print(json.dumps(found(model) | {"other": asked(other)}))
