"""The value of a formula from its LaTeX alone: a road to the book's equations that never meets sympy's own trees.

Reads what the book prints: sums, products set side by side, fractions, powers, maxima and minima, brackets of any size.
"""

import math
import re

TOKEN = re.compile(r"\\[A-Za-z]+|\d+(?:\.\d+)?|[A-Za-z]|[-+*/^_{}(),]")
LAYOUT = re.compile(
    r"\\(?:left|right|[bB]igg?[lr]?|q?quad)(?![A-Za-z])|\\[,;!]|&|\\\\\[4pt\]|\\(?:begin|end)\{aligned\}"
)
BRACKETS = {"(": ")", "{": "}"}
FUNCTIONS = {r"\max": max, r"\min": min}


def bare(text):
    """LaTeX without what only places it."""
    return " ".join(LAYOUT.sub(" ", text).split())


def right_sides(latex, lefts, sign="="):
    """The right side of each row of an aligned equation, whose left sides are known."""
    text = bare(re.sub(r"\\text\{[^{}]*:\}", "", latex))
    found = []
    for left in map(bare, lefts):
        _, hit, text = text.partition(f"{left} {sign} ")
        assert hit, f"no row begins with {left}"
        found.append(text)
    following = [*map(bare, lefts[1:]), None]
    return [
        each.partition(f" {left} {sign} ")[0] if left else each for each, left in zip(found, following, strict=True)
    ]


class Formula:
    """A formula being read; `names` maps a symbol's LaTeX to its value."""

    def __init__(self, text, names):
        self.text = bare(text)
        self.names = sorted(((bare(name), value) for name, value in names.items()), key=lambda item: -len(item[0]))
        self.at = 0

    def value(self):
        found = self.sum()
        assert self.peek() is None, f"unread: {self.text[self.at :]}"
        return found

    def peek(self):
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        match = TOKEN.match(self.text, self.at)
        assert match or self.at == len(self.text), f"unknown sign: {self.text[self.at :]}"
        return match[0] if match else None

    def take(self, wanted=None):
        token = self.peek()
        assert wanted in (None, token), f"{wanted} expected: {self.text[self.at :]}"
        self.at += len(token)
        return token

    def sum(self):
        found = 0.0
        sign = -1 if self.peek() == "-" and self.take() else 1
        while True:
            found += sign * self.product()
            if self.peek() not in ("+", "-"):
                return found
            sign = -1 if self.take() == "-" else 1

    def product(self):
        found = self.power()
        while self.peek() not in (None, "+", "-", ")", "}", ","):
            found *= self.power()
        return found

    def power(self):
        base = self.atom()
        if self.peek() == "^":
            self.take()
            return base ** (self.group() if self.peek() == "{" else float(self.take()))
        return base

    def group(self, opened="{", closed="}"):
        self.take(opened)
        found = self.sum()
        self.take(closed)
        return found

    def atom(self):
        token = self.peek()
        for name, value in self.names:
            if self.text.startswith(name, self.at):
                self.at += len(name)
                return value
        if token in BRACKETS:
            return self.group(token, BRACKETS[token])
        self.take()
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\sqrt":
            return math.sqrt(self.group())
        if token in FUNCTIONS:
            self.take("(")
            parts = [self.sum()]
            while self.peek() == ",":
                self.take()
                parts.append(self.sum())
            self.take(")")
            return FUNCTIONS[token](parts)
        return float(token)
