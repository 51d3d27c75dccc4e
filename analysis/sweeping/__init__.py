"""Running a grid: on workers, resumable, into one table with a data dictionary beside it."""

from analysis.sweeping.running import Summary, sweep

__all__ = ["Summary", "sweep"]
