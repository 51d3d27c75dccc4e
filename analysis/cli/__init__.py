"""The command line, and what a notebook of a reader's own calls."""
