"""The search lists the chapter that explains a word first, and says nothing in the console."""

import pytest

FIRST = {  # what readers type, and the chapter that they want
    "ridge point": "ridge.html",
    "sparse attention": "sparse.html",
    "linear attention": "states.html",
    "cost per token": "service.html",
    "roofline": "ridge.html",
    "batch size": "glossary.html",
    "all-to-all": "interconnect.html",
    "prefill": "reordering.html",
    "TTFT": "predict.html",
    "time to first token": "predict.html",
    "KV cache": "attention.html",
    "MLA": "attention.html",
    "experts": "experts.html",
    "skew": "skew.html",
    "expert parallelism": "experts.html",
    "DeepSeek V3.2": "sparse.html",
    "NVLink": "interconnect.html",
    "FP8": "today.html",
    "quantization": "today.html",
    "Mamba": "states.html",
    "speculative decoding": "thesis_service.html",
    "PIM": "pim.html",
    "predict": "predict.html",
    "throughput": "serving.html",
    "memory bandwidth": "ridge.html",
}


@pytest.fixture(scope="module")
def report(node, book):
    return node("search.js", str(book), given=list(FIRST))


@pytest.mark.parametrize(("words", "page"), FIRST.items())
def test_the_chapter_comes_first(report, words, page):
    assert report["found"][words][:1] == [page], report["found"][words][:5]


def test_nothing_fails_and_nothing_is_asked_of_the_network(report):
    assert (report["errors"], report["requests"]) == ([], [])
