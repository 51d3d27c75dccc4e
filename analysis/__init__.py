"""Where is the bottleneck of LLM inference? What a notebook of your own needs, by name:

    from analysis import number, table, figure, sweep, plan, import_model

    number("kv_bytes_per_token", model="deepseek-v3")
    table(["tpot", "B_cap"], over={"L": [4096, 32768]}, scenario="r1-32", B=64)
    figure("fig-roofline", model="./mine.yml", accelerator="b200-sxm")

Values are in SI units. Every name is imported when it is first used, so `import analysis` costs nothing.
"""

from importlib import import_module

HOMES = {
    "InputError": "errors",
    "number": "library",
    "answer": "library",
    "table": "library",
    "figure": "library",
    "plan": "library",
    "import_model": "model_files",
    "Setting": "evaluate.setting",
    "models": "evaluate.datasets",
    "accelerators": "evaluate.datasets",
    "interconnects": "evaluate.datasets",
    "scenarios": "evaluate.datasets",
    "quantities": "library",
    "claims": "library",
    "sweep": "sweeping",
    "rerun": "rerunning",
}
"""Every name that the study offers, and the module below `analysis` that it lives in."""

__all__ = list(HOMES)


def __getattr__(name: str):
    """A name of the study, imported from where it lives (PEP 562)."""
    if name not in HOMES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}; it offers {', '.join(HOMES)}")
    return getattr(import_module(f"analysis.{HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
