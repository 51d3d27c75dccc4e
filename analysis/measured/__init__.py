"""Measured latencies held against the derivation: rows, predictions, validation, tests, calibration, import."""
