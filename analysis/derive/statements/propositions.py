"""Every proposition of the study, in the order of the book."""

from analysis.derive.statements import of_attention, of_mechanisms, of_serving
from analysis.derive.statements.proposition import Proposition

_ORDER = (
    of_serving.REORDERING,
    of_attention.FULL_MEMORY,
    of_serving.BALANCE,
    of_attention.DEVICE,
    of_attention.TENSOR,
    of_serving.ELASTICITY,
    of_serving.ATTRIBUTION,
    of_attention.QUERIES,
    of_serving.SCHEDULE,
    of_mechanisms.INDEX_TRAFFIC,
    of_mechanisms.STATE_TRAFFIC,
    of_mechanisms.WIRES_HIDDEN,
)
PROPOSITIONS: dict[str, Proposition] = {each.name: each for each in _ORDER}
