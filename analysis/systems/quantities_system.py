"""Quantities of a serving system (the paper's Sections V to VII)."""

import numpy as np

from analysis import derive
from analysis.ask import gammas
from analysis.ask.kept_forms import compiled
from analysis.ask.setting import Setting
from analysis.files.errors import InputError
from analysis.systems import system
from analysis.systems.quantity import define, needs_accelerator, needs_experts, needs_model

MILLION = 10**6


def _serves(setting: Setting) -> None:
    setting.need("model", "accelerator")
    needs_model(setting)
    needs_accelerator(setting)
    _needs_link(setting)


def _sells(setting: Setting) -> None:
    _serves(setting)
    if setting["price_hour"] is None:
        raise InputError(
            "price_hour= is needed: what an accelerator costs in an hour, in your currency, as no row states it."
        )


def _needs_link(setting: Setting) -> None:
    if setting.link is None and setting["BW_Int"] is None and np.any(np.asarray(setting["n_acc"]) > 1):
        raise InputError(
            "link= is needed: this accelerator comes with no known link; name a row, for example link=nvlink5-b200, "
            "or give BW_Int= in byte/s (`python -m analysis interconnects` lists all)."
        )


def _exchanges(setting: Setting) -> None:
    needs_experts(setting)
    if setting.link is None and setting["BW_Int"] is None:
        raise InputError(
            "link= is needed: name a row of data/interconnects.csv, for example link=nvlink5-b200, or give BW_Int=."
        )


def _load_imbalance(setting: Setting):
    needs_experts(setting)
    return gammas.imbalance(setting)


def _batch_cache(setting: Setting) -> dict:
    """Cache of the whole batch on each accelerator [byte]."""
    of = derive.symbols
    return {"of B requests of L tokens": system.kv_bytes_per_accelerator(setting) * of.L * of.B / of.deg_DP}


def _throughput(setting: Setting):
    return derive.symbols.B / system.tpot(setting)


def _price_of_tokens(setting: Setting):
    return MILLION * derive.symbols.price * derive.symbols.n_acc / _throughput(setting)


def _imbalance_beside(setting: Setting) -> dict[str, object]:
    if setting["B"] is None:
        return {}
    band = gammas.imbalance_at_batch(setting)
    return {"expected maximum at B": band.mean, "95 % band, low": band.low, "95 % band, high": band.high}


def _calibrated_beside(setting: Setting) -> dict:
    """What launches take of a calibrated step, and how far it may be off."""
    if setting["calibration"] is None:
        return {}
    return {FLOORS: system.launch_floors(setting), ERROR: system.typical_error(setting)}


FLOORS, ERROR = "launch floors, within it", "typical error of decoding, if all kernels err alike"
define("tpot", "time per output token", "s", system.tpot, domain=_serves, beside_forms=_calibrated_beside)
define(
    "tpot_terms",
    "terms of the time per output token, all blocks together",
    "s",
    system.terms,
    domain=_serves,
    beside_forms=_calibrated_beside,
)
define(
    "ttft",
    "time to first token of a request that waits for no other: its prompt, prefilled",
    "s",
    system.ttft,
    domain=_serves,
)
define(
    "tpot_bound",
    "lower bound of the time per output token: weights and cached tokens that a step reads, and communication",
    "s",
    system.tpot_bound,
    domain=_serves,
)
define(
    "tpot_eq12",
    "time per output token as Eq. 12 has it: all stored weights and cached tokens, and communication",
    "s",
    system.tpot_eq12,
    domain=_serves,
)
define(
    "tokens_per_step",
    "tokens that a request gains in a step, on average",
    "token",
    lambda setting: derive.speculation.closed_tokens(),
    compute=lambda setting: compiled(system.tokens_per_step, setting).value(setting.numbers),
    uses=system.tokens_per_step,
)
define("throughput", "output tokens per second of the system", "token/s", _throughput, domain=_serves)
define(
    "throughput_per_accelerator",
    "output tokens per second and accelerator",
    "token/s",
    lambda s: _throughput(s) / derive.symbols.n_acc,
    domain=_serves,
)
define(
    "cost_per_million_tokens",
    "price of a million output tokens, in the currency of price_hour",
    "currency/10^6 token",
    _price_of_tokens,
    domain=_sells,
)
define(
    "all_to_all_time",
    "time of one MoE dispatch (or combine)",
    "s",
    lambda s: derive.communication.dispatch_time("two" if s.two_levels else "one", s.layout),
    domain=_exchanges,
)
define(
    "B_cap",
    "largest batch that fits the system's memory",
    "requests",
    system.B_cap,
    finish=system.rounded,
    domain=lambda s: (s.need("model", "accelerator"), needs_model(s), needs_accelerator(s)),
)
define(
    "weights_per_accelerator",
    "weight bytes that one accelerator holds, as the memory book counts them",
    "byte",
    system.weights_per_accelerator,
    domain=needs_model,
    beside={
        "on all accelerators": lambda s: system.weights_per_accelerator(s) * derive.symbols.n_acc,
        "every weight once": lambda s: derive.capacity.weights_stored(s.architecture, "once"),
    },
)
define(
    "kv_bytes_per_accelerator",
    "cached bytes of one token on each accelerator that holds a part of its cache",
    "byte",
    system.kv_bytes_per_accelerator,
    domain=needs_model,
    beside_forms=_batch_cache,
)
define(
    "B_SLO",
    "largest batch whose time per output token meets the SLO",
    "requests",
    compute=system.B_SLO_found,
    uses=system.B_SLO_form,
    sought=frozenset({"B"}),
    closed_form="largest whole B with tpot(B) <= SLO, by bisection",
    domain=_serves,
    beside={"by Eq. 12": system.B_SLO_eq12_found},
    beside_values=lambda setting: {"at most, by the lower bound of TPOT": system.B_SLO_bound(setting)},
)
define(
    "load_imbalance",
    "expected tokens of the busiest accelerator over the mean",
    "1",
    compute=_load_imbalance,
    closed_form="max over accelerators of the sum of its experts' inclusion probabilities, over their mean",
    beside_values=_imbalance_beside,
)
