"""Grids of any size: read from a file, cut into blocks, run on workers, resumable, into one table."""
