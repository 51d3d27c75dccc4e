"""`python -m analysis.book` builds the book."""

import sys

from analysis.book.build import main
from analysis.files import exits

if __name__ == "__main__":
    sys.exit(exits.run(main, "python -m analysis.book"))
