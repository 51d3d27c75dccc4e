"""What the text of einsum lines may say, and what is refused."""

import pytest

from analysis.derive.attention import MECHANISMS
from analysis.derive.einsum import Kernel, layered, lines, renamed, tensor, tensors, without_axis
from analysis.derive.symbols import BY_NAME, B, L, causal, d_hd, d_RoPE, l


def test_a_line_is_read_as_written():
    (line,) = lines("S[B n_hd l L] = q[B l n_hd d_hd] k[B L n_hd d_hd]", cache=["k"])
    assert str(line) == "S[B n_hd l L] = q[B l n_hd d_hd] k[B L n_hd d_hd]"
    assert line.summed == {d_hd}
    assert [t.kind for t in line.tensors] == ["activations", "activations", "kv"]
    assert line.made.elements == causal * B * BY_NAME["n_hd"] * l * L


@pytest.mark.parametrize("text", ["y[B] = x[B]; z[B] = y[B]", "\n  y[B] = x[B]\n\n  z[B]   =   y[ B ]\n"])
def test_lines_end_at_a_semicolon_or_a_row(text):
    assert [line.made.name for line in lines(text)] == ["y", "z"]


@pytest.mark.parametrize("name", MECHANISMS)
def test_paragraphs_survive_being_printed_and_read_again(name):
    mechanism = MECHANISMS[name]
    cache = [name for t in mechanism.cache for name in (t.name, f"{t.name}_new")]
    for order in mechanism.orders:
        for given in mechanism.stages(order).values():
            assert lines("\n".join(map(str, given)), cache) == given


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("y[B d_new] = x[B d_emb] W[d_emb d_new]", "axis 'd_new' of .* is no symbol"),
        ("y[B] = x[B d_HD]", "axis 'd_HD'"),
        ("y[B]", "is not an einsum line"),
        ("y[B] =", "is not an einsum line"),
        ("= x[B]", "'' is not a tensor"),
        ("y[B] = 2 x[B]", "is not an einsum line"),
        ("y[B] = x[B] + z[B]", "is not an einsum line"),
        ("y[B] = softmax(x[B])", "is not an einsum line"),
        ("y[B] = x[B] = z[B]", "is not an einsum line"),
        ("y = x[B]", "'y *' is not a tensor"),
        ("y[B L] = x[B]", "makes axis L from nothing"),
        ("y[B L l] = x[B]", "makes axis L from nothing"),
        ("y[B] z[B] = x[B]", "is not a tensor"),
        ("y[B] -= x[B]", "is not a tensor"),
        ("y[B] += x[B] <- z[B]", "is not an einsum line"),
        ("y[B L] += x[B]", "makes axis L from nothing"),
        ("M[B] = M[B] g[B]", "changes M in place, .* for example M_new"),
        ("M[B] += M[B] g[B]", "changes M in place"),
        ("M[B] <- M[B]", "changes M in place"),
    ],
)
def test_what_is_no_line_is_refused_with_the_text_in_the_message(text, complaint):
    with pytest.raises(ValueError, match=complaint) as refusal:
        lines(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["q", "q[B", "q[B] k[B]", "", "q.k[B]", "q[B-L]"])
def test_what_is_no_tensor_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a tensor|is no symbol"):
        tensor(text)


def test_kinds_come_from_names_and_the_cache():
    read = tensors("W_Q[d_emb] w_norm[d_emb] Wide[d_emb] k[B] h[B]", cache=["k"])
    assert [t.kind for t in read] == ["weights", "weights", "activations", "kv", "activations"]


def test_signs_say_what_a_line_costs():
    """A product of two: one FLOP a point, two with a sum or an addition; what moves is free, and may make rows."""
    text = "a[B d_v] = x[B] z[d_v]; b[B d_v] += x[B] z[d_v]; c[B] += h[B d_v] z[d_v]; T[l L] <- x[l]; n[B] = x[B d_v]"
    points = B * BY_NAME["d_v"]
    assert [line.flops for line in lines(text)] == [points, 2 * points, 2 * points, 0, points]
    assert "; ".join(map(str, lines(text))) == text


def test_what_is_kept_leaves_its_kernel():
    """A state that is read, renewed and used in one kernel is read once and written once; no other tensor is both."""
    text = (
        "a[B d_v] = M[B d_v] g[B]; M_new[B d_v] <- a[B d_v]; M_new[B d_v] += k[B] u[B d_v];o[B] = M_new[B d_v] q[d_v]"
    )
    kernel = Kernel("state", lines(text, {"M": "state", "M_new": "state"}))
    assert [t.name for t in kernel.boundary] == ["M", "M_new", "g", "k", "o", "q", "u"]
    unkept = Kernel("state", lines(text, {"M": "state"}))
    assert (kernel.bytes - unkept.bytes - B * BY_NAME["d_v"] * BY_NAME["width_state"]).expand() == 0
    cached = Kernel("core", lines("k_new[B] = H[B] W_K[]; S[B] = q[B] k_new[B]", ["k_new"]))
    assert "k_new" in {t.name for t in cached.boundary}


def test_a_tensor_without_axes_is_one_element():
    assert tensor("y[]").elements == 1


def test_lines_of_an_axis_can_be_left_out():
    given = MECHANISMS["MLA"].stages("as_printed")["core"]
    assert [str(line) for line in without_axis(given, d_RoPE)] == [str(given[0]), str(given[2])]


def test_operands_are_renamed_and_results_are_not():
    (line,) = renamed(lines("y[B] = h[B] x[B]"), {"x": tensor("z[B]"), "h": tensor("u[B]"), "y": tensor("w[B]")})
    assert str(line) == "y[B] = u[B] z[B]"


def test_layered_kernels_have_distinct_names():
    kernels = layered("core", MECHANISMS["MLA"].stages("reordered")["core"])
    assert [k.name for k in kernels] == ["core: S (1)", "core: S (2)", "core: o_C"]
    assert layered("core", ()) == ()


def test_a_mechanism_with_one_order_ignores_another():
    assert MECHANISMS["MHA"].stages("reordered") == MECHANISMS["MHA"].stages("as_printed")
    assert [m.name for m in MECHANISMS.values() if m.latent] == ["MLA", "MLA_direct"]
