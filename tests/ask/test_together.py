"""Several forms as one program: each result is to the last bit that of the form alone, and what is missing is said."""

import numpy as np
import pytest

from analysis.ask.folding import BLOCK
from analysis.ask.numbers import value, values
from analysis.ask.setting import Setting
from analysis.derive.symbols import B, L, P_acc
from analysis.files.errors import InputError
from analysis.systems import system

RANDOM = np.random.default_rng(0)
OVER = {
    "one point": {},
    "batches": {B: RANDOM.uniform(1, 1e4, 7)},
    "batches by contexts": {B: RANDOM.uniform(1, 1e4, (5, 1)), L: RANDOM.uniform(1, 1e5, 7)},
    "peaks": {P_acc: RANDOM.uniform(1e12, 1e15, 300)},
    "so many that forms are folded": {B: RANDOM.uniform(1, 1e4, BLOCK)},
}


@pytest.mark.parametrize("over", OVER)
@pytest.mark.parametrize("model", ["deepseek-v3", "llama-3.1-70b", "qwen3-next-80b-a3b"])
def test_terms_together_are_the_terms_alone(model, over):
    setting = Setting.of(model=model, accelerator="b200-paper", link="nvlink5-b200", n_acc=8, B=64, L=4096)
    point = setting.point | OVER[over]
    forms = system.terms(setting)
    found = values(forms, point)
    assert list(found) == list(forms)
    for name, form in forms.items():
        assert np.array_equal(found[name], value(form, point)), name


def test_a_symbol_that_no_point_gives_is_named():
    with pytest.raises(InputError, match="add L="):
        values({"sum": B + L, "batch": B}, {B: 2})
