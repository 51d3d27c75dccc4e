"""Quantities of a serving system (the paper's Sections V to VII)."""
