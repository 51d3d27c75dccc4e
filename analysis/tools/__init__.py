"""What maintainers run: timing, the README's generated parts, reproducibility, the PDF."""
