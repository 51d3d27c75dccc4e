"""Building the book: notebooks run, pages rendered, what Sphinx is told, citing, reruns and reports."""
