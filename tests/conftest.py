"""Settings that every test shares: figures without a window, and the same hypothesis examples at every run."""

import matplotlib as mpl
from hypothesis import settings

mpl.use("agg")
settings.register_profile("study", deadline=None, derandomize=True, max_examples=60, database=None)
settings.load_profile("study")
