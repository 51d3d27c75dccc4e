"""The data files: what a row holds, loading and checking tables, and a reader's own rows by path."""
