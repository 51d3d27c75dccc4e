"""The propositions on the paper's thesis as closed forms with the steps of their proofs; one module per subject."""
