"""Random feasible systems for the tests of the propositions, and their numbers from the full model."""

from hypothesis import strategies as st

from analysis.ask.setting import Setting
from analysis.thesis.full import batch_at_capacity, terms_at, total

SYSTEMS = {"gpt3-175b": 8, "llama-4-maverick": 8, "deepseek-v3": 1}
DEVICES = ("b200-paper", "b200-sxm", "h200-sxm5", "mi325x")


def setting(model: str, accelerator: str = "b200-paper", n_acc: int = 32, **more) -> Setting:
    """A system of the paper on some accelerators."""
    return Setting.of(**{"model": model, "accelerator": accelerator, "n_acc": n_acc, "deg_TP": SYSTEMS[model]} | more)


settings = st.builds(setting, st.sampled_from(list(SYSTEMS)), st.sampled_from(DEVICES), st.sampled_from((32, 64, 128)))
experts = st.builds(
    setting,
    st.sampled_from(("llama-4-maverick", "deepseek-v3")),
    st.sampled_from(DEVICES),
    st.sampled_from((32, 64, 128)),
)
contexts = st.floats(512.0, 2.0**18)


def full(system: Setting, L: float, batch: float | None = None, **replaced) -> tuple[float, dict[str, float]]:
    """Batch (by default B_cap, not rounded) and terms of TPOT [s] of the full model."""
    batch = float(batch_at_capacity(system, L)) if batch is None else batch
    return batch, {name: float(time) for name, time in terms_at(system, batch, L).items()}


def time(system: Setting, L: float, batch: float) -> float:
    """TPOT [s] of the full model."""
    return float(total(terms_at(system, batch, L)))
