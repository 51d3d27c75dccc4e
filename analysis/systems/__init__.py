"""Quantities of a block and of a serving system, in numbers: layers, memory, grids, limits, plans."""
