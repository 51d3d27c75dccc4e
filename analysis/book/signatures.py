"""Sphinx's part of the reference: signatures without what Python cannot write down.

`_config.yml` names this module as an extension. A default that is a function or a factory has no source text, and a
signature that holds one is not read as Python, so that no type in it leads anywhere.
"""

import re

from sphinx.application import Sphinx

UNWRITABLE = re.compile(r"= <.*?>+(?=[,)])")


def plain(signature: str) -> str:
    """A signature whose unwritable defaults are an ellipsis.

    >>> plain("(names: tuple[str, ...] = <factory>, domain: Domain = <function Quantity.<lambda>>)")
    '(names: tuple[str, ...] = ..., domain: Domain = ...)'
    """
    return UNWRITABLE.sub("= ...", signature)


def _process(_app, _what, _name, _object, _options, signature: str | None, returned: str | None):
    return (plain(signature), returned) if signature else None


def setup(app: Sphinx) -> dict:
    """Connect to autodoc."""
    app.connect("autodoc-process-signature", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
