"""Where is the bottleneck of LLM inference? What a notebook of your own needs, by name::

    from analysis import number, table, figure, sweep, plan, import_model

    number("kv_bytes_per_token", model="deepseek-v3")
    table(["tpot", "B_cap"], over={"L": [4096, 32768]}, scenario="r1-32", B=64)
    figure("fig-roofline", model="./mine.yml", accelerator="b200-sxm")

Values are in SI units. Every name is imported when it is first used, so `import analysis` costs nothing.
"""

from importlib import import_module

HOMES = {
    "InputError": "files.errors",
    "number": "cli.library",
    "answer": "cli.library",
    "table": "cli.library_tables",
    "figure": "cli.library_tables",
    "plan": "cli.library",
    "import_model": "huggingface.model_files",
    "import_folder": "huggingface.model_files",
    "Setting": "ask.setting",
    "models": "data.datasets",
    "accelerators": "data.datasets",
    "interconnects": "data.datasets",
    "scenarios": "data.datasets",
    "quantities": "cli.library",
    "claims": "cli.library_tables",
    "sweep": "sweeps.running",
    "rerun": "book.rerunning",
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
