"""A Hugging Face config.json as a model row: what was read from which key, what was inferred, what is missing."""

from analysis.evaluate.huggingface.importing import Imported, default_id, import_config
from analysis.evaluate.huggingface.report import report, row_text

__all__ = ["Imported", "default_id", "import_config", "report", "row_text"]
