"""The command `verdicts`; `analysis.cli.main` registers `commands`. What a call needs is imported late, by the call."""

import json
import math

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def verdicts(as_json: bool) -> None:
    """List the conclusions drawn from the paper: where each holds, in the paper's setting."""
    from analysis.thesis.verdict import verdicts as judged

    rows = [_row(each) for each in judged()]
    click.echo(json.dumps(rows, allow_nan=False) if as_json else "\n\n".join(map(_text, rows)))


def _row(verdict) -> dict:
    from analysis.render.digits import NARROW
    from analysis.render.verdict_tables import sentence

    said = verdict.conclusion
    return {
        "name": said.name,
        "statement": said.statement,
        "subject": said.subject,
        "holds": verdict.holds,
        "share_of_grid": verdict.share,
        "points": verdict.points,
        "grid": {axis.title: _values(axis) for axis in said.axes},
        "boundaries": [each for line, found in verdict.boundaries for each in _ends(line, found)],
        "outside": {model: None if math.isnan(share) else share for model, share in verdict.outside.items()},
        "claims": list(said.claims),
        "sentence": sentence(verdict).replace(NARROW, " "),
    }


def _values(axis) -> list:
    from analysis.thesis.world import PRINTED

    return [PRINTED[value] for value in axis.values] if axis.name == "chip" else list(axis.values)


def _ends(line, found) -> list[dict]:
    """Every solved boundary of a line: its axis, value in SI units, the side on which the conclusion holds, and place;
    one without a value where it holds along all or none of the line."""
    place = {"axis": line.axis.name, "unit": line.axis.unit or "1", "place": line.where}
    ends = [(each.low, "beyond") for each in found] + [(each.high, "below") for each in found]
    solved = [place | {"value": value, "holds": side} for value, side in ends if value is not None]
    return solved or [place | {"value": None, "holds": "everywhere" if found else "nowhere"}]


def _text(row: dict) -> str:
    carried = f" ({', '.join(row['claims'])})" if row["claims"] else ""
    return f"{row['statement']}{carried}\n  speaks of {row['subject']}\n  {row['sentence']}"


commands = [verdicts]
