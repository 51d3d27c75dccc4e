"""Formats: rows of known bytes by whole numbers, what follows them, and what is refused."""

from dataclasses import replace

import pytest
import yaml
from sympy import Integer, Rational, nsimplify

from analysis import InputError
from analysis.ask.setting import Setting
from analysis.data import element_formats as module
from analysis.data.datasets import DATA
from analysis.data.element_formats import WIDTHS, formats
from analysis.derive.attention import MECHANISMS
from analysis.derive.block import Architecture
from analysis.derive.decoder import kv_cache_bytes
from analysis.derive.sparse import DSA
from analysis.derive.symbols import BY_NAME, B, L, d_I, d_KVco, d_RoPE, width_kv
from analysis.huggingface.formats import named_of, width_of
from analysis.systems.quantities import evaluate


def a_row(mechanism, name):
    """Bytes of a token's row in a block with the dimensions of DeepSeek-V3.2, exactly."""
    sizes = {B: 1, L: 1, d_KVco: 512, d_RoPE: 64, d_I: 128}
    widths = {BY_NAME[each]: nsimplify(width) for each, width in formats()[name].widths.items()}
    kept = tuple(part for part in mechanism.parts if BY_NAME[WIDTHS[part]] in widths)
    tensors = replace(mechanism, apart=kept).cache
    point = {symbol: Integer(size) for symbol, size in sizes.items()} | {width_kv: Integer(2)} | widths
    return sum(tensor.stored for tensor in tensors).xreplace(point)


@pytest.mark.parametrize(
    ("name", "latent", "with_index"),
    [("latent-fp8", 656, 656 + 132), ("latent-fp8-plain", 576, 576 + 256), ("cache-fp8", 576, 576 + 128)],
)
def test_bytes_of_a_row_by_hand(name, latent, with_index):
    assert a_row(MECHANISMS["MLA"], name) == latent
    assert a_row(DSA, name) == with_index


def test_a_format_reaches_every_quantity_of_the_cache():
    """61 blocks of DeepSeek-V3: 656 bytes a token in each, where 16 bits have 1152; a given width goes before it."""
    asked = {"model": "deepseek-v3", "L": 1000, "format": "latent-fp8"}
    assert evaluate("kv_bytes_per_token", **asked).value == 61 * 656
    assert evaluate("kv_cache_bytes", **asked).value == 1000 * 61 * 656
    assert evaluate("kv_bytes_per_token", **asked | {"width_kv": 2}).value == 61 * 1152
    assert evaluate("kv_bytes_per_token", **asked | {"format": "bf16"}).value == 61 * 1152
    core = {"B": 8, "accelerator": "b200-sxm"}
    wide, narrow = (
        evaluate("core_attention_bytes", **asked | core | {"format": f}).value for f in ("bf16", "latent-fp8")
    )
    assert wide - narrow == 8 * 1000 * (1152 - 656)


@pytest.mark.parametrize(("model", "printed"), [("gpt-oss-120b", 60.8), ("gpt-oss-20b", 12.8)])
def test_experts_in_four_bits_make_the_published_checkpoint(model, printed):
    """GiB of the files, arXiv 2508.10925, Table 1."""
    found = evaluate("weights_per_accelerator", model=model, n_acc=1, format="experts-mxfp4").value
    assert round(found / 2**30, 1) == printed
    assert evaluate("weights_per_accelerator", model=model, n_acc=1, format="served").value == found


def test_weights_in_a_format_by_hand():
    """671,026,419,200 weights of DeepSeek-V3: a scale of four bytes for each 16,384; in groups of 128 half a byte, a
    scale of two bytes and half a byte of a zero. A given width goes before the format, experts' before all weights'."""
    asked, elements = {"model": "deepseek-v3", "n_acc": 1}, 671_026_419_200
    names = ("cache-fp8", "experts-nvfp4", "weights-fp8", "weights-int4")
    held = {name: evaluate("weights_per_accelerator", **asked, format=name).value for name in names}
    assert held["weights-fp8"] == pytest.approx(elements * (1 + 4 / 16384), rel=1e-12)
    assert held["weights-int4"] == pytest.approx(elements * (64 + 2 + 0.5) / 128, rel=1e-12)
    experts = 58 * 256 * 3 * 7168 * 2048
    assert held["experts-nvfp4"] == pytest.approx(2 * (elements - experts) + 9 / 16 * experts, rel=1e-12)
    assert held["cache-fp8"] == 2 * elements
    given = asked | {"format": "experts-nvfp4", "width_experts": 1}
    assert evaluate("weights_per_accelerator", **given).value == 2 * (elements - experts) + experts


@pytest.mark.parametrize(("word", "name"), [("mxfp4", "experts-mxfp4"), ("nvfp4", "experts-nvfp4")])
def test_files_that_are_imported_have_the_widths_of_formats(word, name):
    assert width_of(*named_of(word)) == formats()[name].widths["width_experts"]


def test_parts_at_the_width_of_the_cache_are_the_cache():
    whole, apart = (kv_cache_bytes(Architecture("MLA", apart=parts)) for parts in ((), ("latent", "rope_key")))
    names = ("width_latent", "width_rope_key")
    assert (apart.xreplace({BY_NAME[name]: width_kv for name in names}) - whole).expand() == 0
    assert not {BY_NAME[name] for name in names} & whole.free_symbols


def test_states_and_scores_have_32_bits_and_index_keys_follow_the_cache():
    point = Setting.of(model="deepseek-v3", width_kv=1).point
    found = [point[BY_NAME[name]] for name in ("width_state", "width_scores", "width_index", "width_latent")]
    assert found == [4, 4, 1, 1]


def test_a_row_whose_own_format_speaks_of_parts_that_it_does_not_keep_is_refused(written):
    cells = yaml.safe_load((DATA / "models" / "qwen2.5-72b.yml").read_text())
    path = written("mine.yml", cells | {"id": "mine", "format": "latent-fp8"})
    with pytest.raises(
        InputError, match=r"column format: latent-fp8: speaks of .* allowed are cache-fp8, weights-fp8, w"
    ):
        evaluate("kv_bytes_per_token", model=path, format="served")


def test_a_format_of_parts_that_a_model_does_not_keep_is_refused():
    with pytest.raises(InputError, match=r"latent, rope_key, which model=qwen2.5-72b \(GQA\) does not keep; allowed"):
        evaluate("kv_bytes_per_token", model="qwen2.5-72b", format="latent-fp8")
    assert evaluate("kv_bytes_per_token", model="qwen2.5-72b", format="cache-fp8").value == 80 * 2 * 8 * 128
    with pytest.raises(InputError, match=r"speaks of experts, which model=qwen2.5-72b .* allowed are cache-fp8, wei"):
        evaluate("weights_per_accelerator", model="qwen2.5-72b", n_acc=1, format="experts-mxfp4")


SAID = "title: t, locator: l, source: s, known: exact"
ONE = "{bytes: 1, elements: 1}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"a: {{{SAID}}}", "a.parts: found"),
        (f"a: {{{SAID}, parts: {{}}}}", "a.parts: found"),
        (f"a: {{{SAID.replace('exact', 'hearsay')}, parts: {{kv: {ONE}}}}}", "a.known: .*hearsay"),
        (f"a: {{{SAID}, parts: {{keys: {ONE}}}}}", "a.parts.keys"),
        (f"a: {{{SAID}, parts: {{kv: {{bytes: 0, elements: 1}}}}}}", "a.parts.kv.bytes"),
        (f"a: {{{SAID.replace(', source: s', '')}, parts: {{kv: {ONE}}}}}", "a.source"),
        ("a: text", "a: found 'text'"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(tmp_path, monkeypatch, text, sentence):
    (tmp_path / "formats.yml").write_text(text + "\n")
    monkeypatch.setattr(module, "DATA", tmp_path)
    with pytest.raises(InputError, match=sentence) as refusal:
        formats.__wrapped__()
    assert "\n" not in str(refusal.value)


def test_scales_are_spread_over_their_elements():
    assert Rational(formats()["latent-fp8"].widths["width_index"]) == Rational(132, 128)
