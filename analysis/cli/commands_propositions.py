"""The command `propositions`; `analysis.cli.main` registers `commands`. What a call needs is imported late, by it."""

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def propositions(as_json: bool) -> None:
    """List every proposition with its hypotheses, and what a search for counterexamples finds.

    The search takes some seconds: ten thousand points of the whole model inside the hypotheses, and more with each of
    them dropped.
    """
    from analysis.derive.statements.propositions import PROPOSITIONS

    found = [_one(each) for each in PROPOSITIONS.values()]
    click.echo(json.dumps(found, allow_nan=False) if as_json else "\n\n".join(map(_text, found)))


def _one(proposition) -> dict:
    from analysis.thesis.trials import trial

    tried = trial(proposition.name)
    return {
        "label": proposition.label,
        "title": proposition.title,
        "subject": proposition.subject,
        "statement": proposition.statement,
        "claim": str(proposition.claim()),
        "domain": proposition.domain,
        "points": tried.points,
        "counterexample": tried.counterexample,
        "hypotheses": [_hypothesis(each, tried.dropped[each.name]) for each in proposition.hypotheses],
    }


def _hypothesis(hypothesis, point: dict | None) -> dict:
    return {"name": hypothesis.name, "clause": hypothesis.clause, "fails_without": point is not None, "point": point}


def _text(found: dict) -> str:
    lines = [f"{found['label']}: {found['title']}", f"  {' '.join(found['statement'].split())}"]
    lines += [f"  of {found['subject']}; {found['domain']}", f"  {_verdict(found)}"]
    return "\n".join([*lines, *(f"  without {each['name']}: {_shown(each['point'])}" for each in found["hypotheses"])])


def _verdict(found: dict) -> str:
    point = found["counterexample"]
    return f"{found['points']} points, {f'one against it: {_shown(point)}' if point else 'none against it'}"


def _shown(point: dict | None) -> str:
    if point is None:
        return "no counterexample found"
    return ", ".join(f"{name} {each if isinstance(each, str) else f'{each:.4g}'}" for name, each in point.items())


commands = (propositions,)
