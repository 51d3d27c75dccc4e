"""A report on a reader's own system: the book's notebooks run with its parameters, and one page that reads them."""
