"""DeepSeek-V4.1: a few blocks make streams of compressed rows, and the blocks after them read those.

A block with stride 0 attends to its window alone. A source of rows stores a stream and picks from it; a source of picks
picks anew from the stream before it; the others read what was picked last. Blocks behind the last source of rows work
on the window at the end of a prompt only, as nothing that they store reaches further.
"""

from analysis.files.errors import InputError, choices
from analysis.huggingface.keys import Keys

STRIDE, SOURCES, INDEXED = "compress_ratios", "kv_source_layer_ids", "index_source_layer_ids"
LONGEST = 4096  # tokens for which one row stands


def strides(keys: Keys, n_dec: int) -> list[int]:
    """Tokens that a row of each block's stream stands for; 0 where it reads none."""
    found = keys.positions(STRIDE, LONGEST + 1)
    return keys.sequence(STRIDE, n_dec, found) if found else keys.ask_list(STRIDE, n_dec)


def streams(keys: Keys, n_dec: int) -> list[str]:
    """The mixer of every block. Raises InputError for rows that no block before stores, or of another stride."""
    listed, sources, indexed = strides(keys, n_dec), *(_numbers(keys, key, n_dec) for key in (SOURCES, INDEXED))
    for number, stride in enumerate(listed):
        owner = max((source for source in sources if source <= number), default=None)
        if stride and (owner is None or listed[owner] != stride):
            raise InputError(
                f"{keys.place}, key {STRIDE}: found {stride} in block {number}, allowed are 0 and the stride of a "
                f"block of {SOURCES} ({choices(sources)}) before it, which stores the rows that it reads; correct it."
            )
    wrong = [number for number in sources if number not in indexed] or [each for each in indexed if not listed[each]]
    if wrong:
        raise InputError(
            f"{keys.place}, key {INDEXED}: found {choices(indexed)}, allowed are all of {SOURCES} and others with a "
            f"stride above 0, which block {wrong[0]} contradicts; correct it."
        )
    made = {number: "picked" if number in sources else "indexed" for number in indexed}
    return [made.get(number, "shared" if stride else "local") for number, stride in enumerate(listed)]


def _numbers(keys: Keys, key: str, n_dec: int) -> list[int]:
    found = keys.positions(key, n_dec)
    return keys.ask_list(key, n_dec) if found is None else found


def read_sizes(keys: Keys, n_dec: int) -> list[tuple[tuple[str, int], ...]]:
    """The stride of the stream that each block reads, and of a source how many tokens are pooled into a row."""
    found = []
    for stride, kind in zip(strides(keys, n_dec), streams(keys, n_dec), strict=True):
        made = (("n_pool", 2 * stride), ("n_role", 2)) if kind == "picked" else ()
        found.append((("L_str", stride), *made) if stride else ())
    return found


def replayed(keys: Keys, n_dec: int) -> list[int | None]:
    """Tokens at the end of a prompt that each block works on, where it is not the whole prompt."""
    last, window = max(_numbers(keys, SOURCES, n_dec), default=n_dec), keys.count("L_win")
    return [window if number > last else None for number in range(n_dec)]
