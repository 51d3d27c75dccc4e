"""Grids: any quantities over a product of parameter values, read from a file, cut into blocks, evaluated as arrays."""
