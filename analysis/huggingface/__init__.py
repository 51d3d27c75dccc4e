"""A Hugging Face config.json as a model row: what was read from which key, what was inferred, what is missing."""

from analysis.huggingface.configuration import default_id, import_config
from analysis.huggingface.summary import Imported, report, row_text

__all__ = ["Imported", "default_id", "import_config", "report", "row_text"]
