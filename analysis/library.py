"""The study as a library: what a reader's own notebook imports, in one place.

from analysis import library as study
study.evaluate("tpot", model="./mine.yml", accelerator="b200-sxm", n_acc=32, B=64, L=4096).value
"""

from analysis.errors import InputError
from analysis.evaluate.datasets import accelerators, interconnects, models, scenarios
from analysis.evaluate.huggingface import Imported, import_config, report, row_text
from analysis.evaluate.quantities import Answer, all_quantities, evaluate
from analysis.evaluate.setting import Setting
from analysis.rerun import Outcome, rerun
from analysis.sweep import Summary, sweep

__all__ = [
    "Answer",
    "Imported",
    "InputError",
    "Outcome",
    "Setting",
    "Summary",
    "accelerators",
    "all_quantities",
    "evaluate",
    "import_config",
    "interconnects",
    "models",
    "report",
    "rerun",
    "row_text",
    "scenarios",
    "sweep",
]
