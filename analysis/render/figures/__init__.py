"""Figures of the book, a module per subject: what is shown, the figure itself, its caption and alternative text."""
