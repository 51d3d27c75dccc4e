"""Sentences about a setting for captions: whose numbers these are, and under which conventions."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from analysis.ask.own_names import label
from analysis.ask.setting import Setting
from analysis.ask.widths import EXPERTS, WIDTHS
from analysis.data import datasets
from analysis.systems.layers import STATE, TITLES, beside_core, core_times

PEOPLE = {"deepseek-v3": "R1", "gpt3-175b": "GPT-3", "llama-4-maverick": "Maverick"}
ORDER_WORDS = {"as_printed": "without reordering", "reordered": "with reordering"}


def person(model: str) -> str:
    """A model's name as people say it: short for the paper's three, the row's for all others.

    >>> person("deepseek-v3"), person("deepseek-v2-lite")
    ('R1', 'DeepSeek-V2-Lite')
    """
    return PEOPLE.get(model) or datasets.model(model).name


SHORTEST = {
    "pim-paper": "low-ridge device",
    "paper-300": "link of 300 GB/s",
    "rtx-pro-6000-bse": "RTX PRO 6000 Server",
    "rtx-pro-6000-ws": "RTX PRO 6000",
    "llama-4-scout": "Scout",
    "llama-4-scout-chunked": "Scout, chunked",
    "llama-4-maverick-chunked": "Maverick, chunked",
    "mistral-large-3": "Mistral Large 3",
}
AS_PRINTED = " as printed in the paper"
FULL = re.compile(r" \(.*| \d+GB$| \d+ Gb/s.*| as announced.*|, one GPU.*|, the Hopper.*")
"""What a short name leaves out: explanations, rates and sizes of memory."""


def named(text: str) -> str:
    """A text with short names of models, accelerators and links in the place of their ids; `name=id` stays.

    >>> named("deepseek-v3 on b200-paper, ib-xdr; model=gpt3-175b")
    "R1 on paper's B200, InfiniBand XDR; model=gpt3-175b"
    >>> named("153 on h100-sxm5.")
    '153 on H100 SXM5.'
    """
    ids, pattern = _ids()
    return pattern.sub(lambda match: ids[match[0]], text)


@cache
def _ids() -> tuple[dict[str, str], re.Pattern]:
    found = {id_: FULL.sub("", person(id_)) for id_ in datasets.models()}
    rows = {**datasets.accelerators(), **datasets.interconnects()}
    short = {id_: _short(row.name) for id_, row in rows.items()}
    shared = {name for name in short.values() if list(short.values()).count(name) > 1}
    found |= {id_: rows[id_].name if name in shared else name for id_, name in short.items()} | SHORTEST
    ids = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return found, re.compile(rf"(?<![\w.=/-])(?:{ids})(?![\w-]|\.\w)")


def _short(name: str) -> str:
    if AS_PRINTED in name:
        return f"paper's {name.removesuffix(AS_PRINTED)}"
    return FULL.sub("", name)


def where(setting: Setting, batch: bool = True) -> str:
    """Model, accelerators, batch and context as far as they are given.

    >>> where(Setting.of(model="deepseek-v3", accelerator="b200-paper", B=64, L=4096))
    'DeepSeek-V3 and R1 on one B200 as printed in the paper, B = 64, L = 4096'
    """
    count = "one" if setting["n_acc"] == 1 else f"{setting['n_acc']} x"
    parts = [setting.model.name if "model" in setting.given else ""]
    if "accelerator" in setting.given:
        parts[0] += f" on {count} {setting.accelerator.name}"
    sizes = {"B": setting["B"], "L": setting["L"]} if batch else {}
    parts += [f"{name} = {number:.0f}" for name, number in sizes.items() if number is not None]
    return ", ".join(part.strip() for part in parts if part)


def conventions(setting: Setting, *names: str) -> str:
    """The named conventions as `name=value`, from what the setting echoes.

    >>> conventions(Setting.of(model="gpt3-175b"), "grouping", "rope", "width")
    'grouping=fused, rope=in, width=2'
    >>> conventions(Setting.of(model="gpt3-175b", width_kv=1), "width", "deg_EP")
    'width=2, width_kv=1'
    """
    echo = {name: each for name, each in setting.echo.items() if name != "deg_EP" or _has_experts(setting)}
    named = [each for name in names for each in ((name, *_apart(echo)) if name == "width" else (name,))]
    return ", ".join(f"{name}={_plain(label(name, echo[name]))}" for name in dict.fromkeys(named) if name in echo)


def _has_experts(setting: Setting) -> bool:
    return "model" not in setting.given or bool(setting.model.n_moe)


def _apart(echo: dict) -> list[str]:
    """Widths that are not that of all others."""
    weights = echo["width_weights"]
    return [name for name in WIDTHS if echo[name] != echo["width"]] + [EXPERTS] * (echo[EXPERTS] != weights)


BESIDE = {TITLES["index"]: "its index"} | dict.fromkeys(STATE.values(), "states")


def term_words(term: str, setting: Setting) -> str:
    """A term of TPOT in words.

    >>> term_words("kv_decompression", Setting.of(model="deepseek-v3")), term_words("dense_ffn", Setting.of())
    ('absorbed products', 'dense FFN')
    >>> term_words("core_attention", Setting.of(model="kimi-linear-48b-a3b"))
    'core attention and states'
    >>> term_words("core_attention", Setting.of(model="kimi-linear-48b-a3b", phase="prefill"))
    'core attention and states'
    """
    if term == "core_attention":
        beside = beside_core(core_times(setting))
        parts = [part for title, part in BESIDE.items() if any(each.startswith(title) for each in beside)]
        return listed(["core attention", *parts])
    if term == "kv_decompression":
        return "absorbed products" if setting.conventions.order == "reordered" else "KV decompression"
    return term.replace("_", " ").replace("ffn", "FFN")


def speaker(settings: Sequence[Setting]) -> Setting:
    """The setting whose conventions stand for several: one whose attention has two orders, or else the last.

    >>> speaker([Setting.of(model=each) for each in ("gpt3-175b", "deepseek-v3", "llama-3.1-70b")]).model.id
    'deepseek-v3'
    """
    return next((each for each in reversed(settings) if each.architecture.mechanism.latent), settings[-1])


def _plain(value) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def listed(names: Iterable[str]) -> str:
    """Names as a sentence lists them.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "cell"), counted(3, "cell")
    ('1 cell', '3 cells')
    """
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
