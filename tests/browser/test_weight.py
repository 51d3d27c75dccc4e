"""What readers download: the whole site, and each chapter with the images that are its own."""

import re
from urllib.parse import unquote, urldefrag

import pytest

from tests.browser.budgets import CHAPTER, SITE

IMAGE = re.compile(r'<(?:img|object|source)[^>]*?(?:src|data|srcset)="([^"]+)"')


@pytest.fixture(scope="module")
def weights(book, pages):
    return {name: weight(book / name) for name in pages}


def weight(page):
    text = page.read_text()
    named = {urldefrag(link)[0] for link in IMAGE.findall(text)}
    own = {(page.parent / unquote(link)).resolve() for link in named if ":" not in link}
    return len(text.encode()) + sum(path.stat().st_size for path in own)


def test_the_site_is_light(book, measured):
    bytes_ = sum(path.stat().st_size for path in book.rglob("*") if path.is_file())
    measured("the whole site [MB]", bytes_ / 1e6, SITE / 1e6)
    assert bytes_ <= SITE
    assert not list(book.rglob("*.map"))


def test_every_chapter_is_light(weights, measured):
    heaviest = max(weights, key=weights.get)
    measured(f"the heaviest chapter, {heaviest} [kB]", weights[heaviest] / 1e3, CHAPTER / 1e3)
    assert not {name: size for name, size in weights.items() if size > CHAPTER}


def test_no_image_is_there_twice_or_unused(book):
    images = [path.read_bytes() for path in (book / "_images").iterdir()]
    assert len(images) == len(set(images))
    pages = "".join(path.read_text() for path in book.rglob("*.html"))
    assert not [path.name for path in (book / "_images").iterdir() if path.name not in pages]


def test_formulas_are_drawn_where_there_are_some_and_nowhere_else(book, pages):
    for name in pages:
        text = (book / name).read_text()
        assert ("mathjax/" in text) == ('class="math' in text), name
