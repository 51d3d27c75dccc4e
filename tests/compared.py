"""Max asks how two of its arguments compare, of the same long forms time and again: tests ask once."""

from functools import cache

from sympy.functions.elementary.miscellaneous import MinMaxBase

MinMaxBase._is_connected = staticmethod(cache(MinMaxBase._is_connected))
