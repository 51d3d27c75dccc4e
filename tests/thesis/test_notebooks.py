"""The notebooks of the thesis, cell by cell: defaults, another model and accelerator, and what they refuse."""

import nbformat
import pytest

from analysis.files.errors import InputError
from analysis.files.whole import ROOT
from analysis.render import show

FIGURES = {
    "thesis_map": "fig-thesis-map",
    "thesis_full_memory": "fig-thesis-full-memory fig-thesis-shares",
    "thesis_balance": "fig-thesis-balance",
    "thesis_device": "fig-thesis-device",
    "thesis_tensor": "fig-thesis-tensor",
    "thesis_resources": "fig-thesis-resources",
    "thesis_attribution": "fig-thesis-attribution",
    "thesis_queries": "fig-thesis-queries fig-thesis-acceptance",
    "thesis_schedule": "fig-thesis-schedule",
    "thesis_guidelines": "fig-guidelines fig-rules-architect fig-rules-engineer",
    "design": "fig-design-step fig-design-distance fig-design-atlas",
}
OTHERS = {
    "thesis_map": {"model": "gpt3-175b", "accelerator": "mi325x", "link_between": "ib-ndr", "L": 4096, "n_acc": 8},
    "thesis_guidelines": {"models": "mixtral-8x7b,kimi-k2", "accelerator": "mi325x", "accelerators": "h200-sxm5"},
    "thesis_full_memory": {"models": "mixtral-8x7b,kimi-k2", "accelerators": "mi325x", "contexts": "1024,16384"},
    "thesis_balance": {"model": "kimi-k2", "accelerator": "mi325x", "n_acc": 64},
    "thesis_device": {"models": "llama-3.1-70b,kimi-k2", "accelerator": "mi325x", "contexts": "1024,16384"},
    "thesis_tensor": {"model": "kimi-k2", "accelerator": "h200-sxm5", "degrees": "2,4"},
    "thesis_resources": {"models": "qwen3-235b-a22b", "accelerator": "mi325x", "n_acc": 8},
    "thesis_attribution": {"model": "deepseek-v2", "accelerator": "h200-sxm5"},
    "thesis_queries": {"models": "mixtral-8x7b,kimi-k2", "accelerator": "h200-sxm5", "acceptances": "0.5"},
    "design": {"model": "kimi-k2", "accelerators": "mi325x", "contexts": "1024,16384", "n_acc": 64, "slo": 0.1},
    "thesis_schedule": {"model": "kimi-k2", "accelerator": "mi325x", "batches": "64,1024", "skews": "0.8"},
}


def executed(name: str, monkeypatch, **given) -> tuple[dict, dict]:
    """Figures (label to data about it) and notes of a notebook whose cells run here, some parameters replaced."""
    outputs = []
    monkeypatch.setattr(show, "display", lambda data, raw, metadata=None: outputs.append(metadata or {}))
    cells = [c.source for c in nbformat.read(ROOT / f"book/notebooks/{name}.ipynb", 4).cells if c.cell_type == "code"]
    names: dict = {}
    exec(cells[0], names)
    names |= given
    for cell in cells[1:]:
        exec(cell, names)
    about = [each[show.KEY] for each in outputs if show.KEY in each]
    notes = {key: each for shown in about if "notes" in shown for key, each in shown["notes"].items()}
    return {each["label"]: each for each in about if "label" in each}, notes


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("other", [False, True], ids=["defaults", "others"])
def test_every_notebook_runs(name, other, monkeypatch):
    figures, notes = executed(name, monkeypatch, **(OTHERS[name] if other else {}))
    assert set(figures) == set(FIGURES[name].split())
    assert all(len(each["caption"]) > 40 and len(each["alt"]) > 40 for each in figures.values())
    assert all(each["csv"].count("\n") > 1 for each in figures.values())
    assert notes


def test_the_notes_are_those_of_hand_arithmetic(monkeypatch):
    _, notes = executed("thesis_device", monkeypatch)
    assert notes["thesis_device_first_speed"] == 4  # four times the bandwidth, both waiting for memory
    balance = executed("thesis_balance", monkeypatch)[1]
    assert balance["thesis_balance_groups"] == 256 / 8


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("thesis_resources", {"price": "1,1,1,1"}, "price=.*add up to 1"),
        ("thesis_schedule", {"skews": "-1"}, "skews=-1: allowed are numbers from 0 to 1"),
        ("thesis_balance", {"modle": "x"}, "did you mean model"),
        ("thesis_queries", {"acceptances": "1.5"}, "acceptances=1.5"),
        ("thesis_attribution", {"model": "gpt3-175b"}, "needs latent attention"),
        ("thesis_full_memory", {"models": "gtp3"}, "models.*gtp3"),
    ],
)
def test_wrong_parameters_end_in_one_sentence(name, given, said, monkeypatch):
    with pytest.raises(InputError, match=said) as caught:
        executed(name, monkeypatch, **given)
    assert "\n" not in str(caught.value)
