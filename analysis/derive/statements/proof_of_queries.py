"""Several query tokens a step, of which some are drafts that may be refused (proposition g).

Forms here are of core attention alone; what a whole step serves gains more, as far as it waits for memory elsewhere.
"""

from sympy import Expr, Integer, solve

from analysis.derive import speculation
from analysis.derive.attention import Mechanism
from analysis.derive.block import Conventions, attention_stages, intensity
from analysis.derive.reordering import limits
from analysis.derive.statements.steps import Proof, Step
from analysis.derive.symbols import L, RP_acc, l


def endless_intensity(mechanism: Mechanism, conventions: Conventions) -> Expr:
    """Intensity of core attention with l query tokens, L without bound [FLOP/byte]."""
    return limits(intensity(attention_stages(mechanism, conventions)["core"]), [L]).factor()


def query_tokens_at_ridge(mechanism: Mechanism, conventions: Conventions) -> Expr:
    """Query tokens l at which core attention reaches the ridge point, L without bound [tokens]."""
    return solve(endless_intensity(mechanism, conventions) - RP_acc, l)[0].factor()


def gain_beyond_ridge(mechanism: Mechanism, conventions: Conventions) -> Expr:
    """Throughput of core attention with l query tokens over one [1], where one waits for memory and l compute.

    The step gets longer in proportion to l from the ridge point on, and yields the tokens of accepted drafts.
    """
    return speculation.closed_tokens() * query_tokens_at_ridge(mechanism, conventions) / l


def gain_of_computing() -> Expr:
    """Throughput of core attention with l query tokens over one [1], where one computes already; below 1.

    >>> gain_of_computing()
    (1 - acceptance**l)/(l*(1 - acceptance))
    """
    return speculation.closed_tokens() / l


def query_tokens_proof(mechanism: Mechanism, conventions: Conventions) -> Proof:
    """Why l query tokens multiply the intensity of core attention by l, and what they change in it (proposition g)."""
    exact = intensity(attention_stages(mechanism, conventions)["core"]).cancel()
    endless = endless_intensity(mechanism, conventions)
    return (
        Step(r"ArI(l)", exact, "the cache is read once for all l queries"),
        Step(r"\lim_{L \to \infty}\,ArI(l)", endless, "at long contexts"),
        Step(
            r"\lim_{L \to \infty}\,ArI(l)/ArI(1)",
            (endless / endless.xreplace({l: Integer(1)})).cancel(),
            "proportional to l",
        ),
        Step(r"l^{\star}", query_tokens_at_ridge(mechanism, conventions), "query tokens at which it meets the ridge"),
        Step(r"E(l)", speculation.closed_tokens(), "tokens that a step yields: place i needs i acceptances in a row"),
        Step(r"\lim_{l \to \infty}\,E(l)", speculation.most_tokens(), "no number of drafts yields more"),
        Step(
            r"X(l)/X(1)\big|_{1 \leq l^{\star} \leq l}",
            gain_beyond_ridge(mechanism, conventions),
            "waiting, the step takes as long as before; from the ridge on it grows with l",
        ),
        Step(
            r"X(l)/X(1)\big|_{l^{\star} \leq 1}",
            gain_of_computing(),
            "where one token computes already: never above 1 in core attention",
        ),
    )
