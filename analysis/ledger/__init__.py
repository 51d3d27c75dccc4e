"""Every claim of the paper, judged: `ledger` collects, `printed` reads the paper's numbers, the rest judge by topic."""
