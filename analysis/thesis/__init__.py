"""The propositions on the paper's thesis in numbers: one module per proposition, flip points solved."""
