"""What is labelled: equations, figures, tables, propositions and sections of staged pages; figures of notebooks."""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat

from analysis.files.errors import InputError

KINDS = {"prop": "proposition", "eq": "equation", "tab": "table", "fig": "figure", "sec": "section"}
DIRECTIVE = re.compile(r"^(?P<fence>[`:]{3,})\{[\w:-]+\} ?(?P<title>.*)\n(?P<options>(?::[\w-]+:.*\n)+)", flags=re.M)
HEADING = re.compile(r"^\((?P<label>[\w-]+)\)=\n+#+ (?P<title>.*)$", flags=re.M)
SENTENCE = re.compile(r"(?<!Fig)(?<!Sec)(?<!Eq)[.;] ")
DISPLAYED = re.compile(r"\$\$(.+?)\$\$", flags=re.S)


def labelled(name: str, text: str) -> Iterable[dict]:
    r"""The labelled results of a staged page; equations and propositions with their LaTeX.

    Raises InputError for a label of no known kind.

    >>> list(labelled("a.md", "```{math}\n:label: eq-x\nx\n```\n"))
    [{'label': 'eq-x', 'kind': 'equation', 'statement': '', 'place': 'a.html#equation-eq-x', 'latex': 'x'}]
    """
    for match in DIRECTIVE.finditer(text):
        options = dict(re.findall(r"^:([\w-]+): (.*)$", match["options"], flags=re.M))
        label = options.get("label") or options.get("name")
        if label:
            body = text[match.end() :].partition("\n" + match["fence"])[0].strip()
            alt = {"alt": options["alt"]} if "alt" in options else {}
            yield _entry(name, label, match["title"]) | alt | _texts(label, match["title"], body)
    for match in HEADING.finditer(text):
        yield _entry(name, match["label"], match["title"])


def kind_of(label: str) -> str:
    """The kind of result that a label names; empty for none.

    >>> kind_of("fig-roofline")
    'figure'
    """
    return KINDS.get(label.partition("-")[0], "")


def _entry(name: str, label: str, statement: str) -> dict:
    kind = kind_of(label)
    if not kind:
        raise InputError(f"{name}: label {label!r} begins with none of {', '.join(KINDS)}; rename it.")
    page = name.removesuffix(".md")
    anchor = f"equation-{label}" if kind == "equation" else label
    return {"label": label, "kind": kind, "statement": statement, "place": f"{page}.html#{anchor}"}


def _texts(label: str, title: str, body: str) -> dict:
    """What a directive adds: an equation's LaTeX, a caption and its first sentence, a proposition's statement."""
    kind = kind_of(label)
    if kind == "equation":
        return {"latex": body}
    if kind in ("figure", "table"):
        caption = plain(body.rpartition(" (Computed by ")[0] or body) if kind == "figure" else title
        return {"statement": SENTENCE.split(caption)[0].rstrip("."), "caption": caption}
    if kind == "proposition":
        shown = "\n\\qquad\n".join(each.strip().rstrip(",.") for each in DISPLAYED.findall(body))
        return {"text": plain(body)} | ({"latex": shown} if shown else {})
    return {}


def plain(text: str) -> str:
    """Lines of prose joined into one."""
    return " ".join(text.split())


# -- which function draws a figure, read from the syntax of the notebook that shows it ---------------
def drawing_functions(notebook: Path) -> dict[str, str]:
    """For each label that a notebook shows, the dotted name of the function that returned the figure.

    Raises InputError where a figure does not come from a call of an imported function in the same cell.
    """
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    trees = [ast.parse(_python(source)) for source in cells]
    imports = {name: dotted for tree in trees for name, dotted in _imported(tree)}
    return {label: dotted for tree in trees for label, dotted in _shown(tree, imports, notebook.name)}


def _python(source: str) -> str:
    """A cell without the lines that only IPython reads."""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())


def _imported(tree: ast.Module) -> Iterable[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _shown(tree: ast.Module, imports: Mapping[str, str], notebook: str) -> Iterable[tuple[str, str]]:
    made = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "show":
            figure, label = call.args[:2]
            drawn = made.get(figure.id, figure) if isinstance(figure, ast.Name) else figure
            name = ast.unparse(drawn.func) if isinstance(drawn, ast.Call) else ""
            head, _, rest = name.partition(".")
            if head not in imports:
                raise InputError(
                    f"{notebook}: the figure {ast.unparse(label)} is not what a function imported there returns; write "
                    "`figure = module.function(...)` in the cell that shows it."
                )
            yield ast.literal_eval(label), ".".join([imports[head], *([rest] if rest else [])])
