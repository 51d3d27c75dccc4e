"""Skewed routing: how unevenly tokens reach experts and accelerators (paper Sec. VII-C, Gamma_imb of Eq. 13).

Three steps, each a file: how often a token picks each expert (`popularity`), which accelerator holds which
expert (`placement`), and the busiest accelerator over the mean. That last figure comes in two kinds that are
never mixed: the maximum of the expected loads (`imbalance`, exact) and the expected maximum of the loads that B
tokens really make (`sampling`, Monte Carlo). The second is never smaller.

Experts are numbered by popularity: expert 0 is the hottest.
"""
