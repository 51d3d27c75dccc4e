"""Time to first token under a constant number of requests in flight: four times that follow one another.

A prompt waits for the step under way, then for prompts before it; its own prefill shares a step with decoding. Steps
spend the share rho of their time on prompts, which all take as long and come when others end: such a queue holds
rho / (2 (1 - rho)) of a prompt's time (Pollaczek and Khinchine). A measuring client opens all requests at once, so that
its first prompts wait for half of one another.
"""

import numpy as np

WAVES = 10
"""Prompts that a client sends for each request in flight. Scripts of InferenceX, whose runs most of ours are, say
`--num-prompts $(( CONC * 10 )) --request-rate inf` (SemiAnalysisAI/InferenceX@a267b4b:benchmarks); no other run says.
"""

OWN, UNDER_WAY, QUEUE, BURST = "own prompt and step", "step under way", "prompts before it", "first burst"
PARTS = (OWN, UNDER_WAY, QUEUE, BURST)


def burst(flight):
    """What a client's first prompts wait for one another, over all prompts that it sends [s], from the time that all in
    flight take one after the other.
    """
    return flight / 2 / WAVES


def first_token(decode, others, prompt, flight) -> dict[str, np.ndarray]:
    """Seconds by part, from those of a step's decoding, of its share of others' prompts, of one prompt on its group,
    and of the prompts of all requests in flight one after the other.

    A quarter of each step for prompts of 6 s, 4 of them in flight:

    >>> first_token(3.0, 1.0, 6.0, 24.0)
    {'own prompt and step': 9.0, 'step under way': 4.0, 'prompts before it': 1.0, 'first burst': 1.2}
    """
    return dict(
        zip(PARTS, (prompt + decode, decode + others, prompt * others / (2 * decode), burst(flight)), strict=True)
    )


def errors_so_far(parts: dict[str, np.ndarray], measured: np.ndarray) -> dict[str, float]:
    """Median of |predicted/measured - 1| with the parts up to each, over runs where both are known; {} without any."""
    known = np.isfinite(measured) & np.isfinite(parts[OWN])
    whole, found = 0.0, {}
    for name in PARTS if known.any() else ():
        whole = whole + parts[name]
        found[name] = float(np.median(np.abs(whole / measured - 1)[known]))
    return found
