"""The fold under each labelled result that says how to cite it, as HTML that needs no script."""

from collections.abc import Callable, Mapping
from html import escape

PARTS = {"bibtex": "BibTeX", "latex": "LaTeX"}
"""Texts to copy, by field of an entry. The page's script puts a button beside each."""
KINDS = ("equation", "proposition", "table", "figure")


def block(entry: Mapping, link: Callable[[str], str]) -> str:
    """The fold of one entry of the derivations; `link` gives the address of a place, of a name, or nothing.

    >>> entry = {"label": "tab-a", "kind": "table", "place": "a.html#tab-a", "python": "", "bibtex": "@misc{a}"}
    >>> print(block(entry, lambda place: "#tab-a"))
    <details class="cite" data-label="tab-a">
    <summary>Cite <span class="cite-kind">this table, </span><code>tab-a</code></summary>
    <dl>
    <dt>Permalink</dt><dd><a class="cite-link" href="#tab-a">a.html#tab-a</a></dd>
    </dl>
    <div class="cite-text"><p>BibTeX</p><pre tabindex="0">@misc{a}</pre></div>
    </details>
    """
    lines = [
        f'<details class="cite" data-label="{entry["label"]}">',
        f'<summary>Cite <span class="cite-kind">this {entry["kind"]}, </span><code>{entry["label"]}</code></summary>',
        "<dl>",
        *(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in _facts(entry, link) if value),
        "</dl>",
        *(_text(title, entry[name]) for name, title in PARTS.items() if entry.get(name)),
        "</details>",
    ]
    return "\n".join(lines)


def _facts(entry: Mapping, link: Callable[[str], str]) -> list[tuple[str, str]]:
    place = entry["place"]
    return [
        ("Permalink", f'<a class="cite-link" href="{escape(link(place))}">{escape(place)}</a>'),
        ("Python", _name(entry.get("python", ""), entry.get("call", ""), link)),
        ("Unit", escape(entry.get("unit", ""))),
        ("In the paper", escape(entry.get("paper", ""))),
        ("Assumes", _assumed(entry.get("assumptions", {}))),
        ("Proof", _linked(entry.get("proof", ""), link)),
    ]


def _name(name: str, call: str, link: Callable[[str], str]) -> str:
    """An importable name, linked to its reference where the book has one, with the call that gives the result."""
    if not name:
        return ""
    shown = f"<code>{escape(name)}</code>"
    address = link(name)
    linked = f'<a href="{escape(address)}">{shown}</a>' if address else shown
    return f"{linked}: <code>{escape(call)}</code>" if call else linked


def _linked(label: str, link: Callable[[str], str]) -> str:
    return f'<a href="{escape(link(label))}"><code>{escape(label)}</code></a>' if label else ""


def _assumed(assumptions: Mapping[str, object]) -> str:
    return ", ".join(f"<code>{escape(f'{name}={value}')}</code>" for name, value in assumptions.items())


def _text(title: str, text: str) -> str:
    return f'<div class="cite-text"><p>{title}</p><pre tabindex="0">{escape(text, quote=False)}</pre></div>'
