"""How others cite this study: every labelled result with its place, closed forms, and the Python object behind it."""
