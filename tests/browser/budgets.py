"""What the built book may weigh and how long it may take; `make test-browser` prints what it measured beside this."""

SITE = 17_000_000
"""Bytes of the whole site, source maps left out: 39 chapters; it was 15 MB for 27."""

CHAPTER = 600_000
"""Bytes of one page and its own images; scripts, styles and fonts that pages share, and downloads, are left out."""

PAINT = 1500
"""Milliseconds from opening a page from disk until its largest content is visible."""

LETTERS = 11
"""Pixels of the smallest letters of a figure on a phone."""

UPDATE = 16
"""Milliseconds of one update of the explorer: a frame at 60 per second."""
