"""`sextant label`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import print_json, read_file, say
from core.errors import InputError

if TYPE_CHECKING:
    from core.search import LabelAnswer, LabelScores
    from core.workbench import Workbench


def label(workbench: Workbench, options: argparse.Namespace) -> None:
    """Labels for a picture or an item; without one, how well labels are found."""
    from core.types import Part

    lines = _lines(options)
    if options.image and options.item:
        raise InputError("Give --image FILE or --item ID, and not both.")
    opened = workbench.open(options.name, options.encoder)
    if not (options.image or options.item):
        return _scores(workbench.score_labels(opened, lines), options.json)
    part = Part(image=read_file(options.image)) if options.image else Part(item=options.item)
    found = workbench.rank_labels(opened, part, lines, k=options.k)
    return _answer(found, options.json)


def _lines(options: argparse.Namespace) -> list[str] | None:
    if not options.labels:
        return None
    try:
        return read_file(options.labels).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{options.labels} is not UTF-8 text. Save it as UTF-8.") from error


def _answer(found: LabelAnswer, as_json: bool) -> None:
    if as_json:
        return print_json(
            {
                "likeliest": [{"label": h.label, "chance": h.value} for h in found.likeliest],
                "middle": [{"label": h.label, "expected_square": h.value} for h in found.middle],
                "scale": found.scale,
                "sentence": found.sentence,
            }
        )
    say(f"{'chance':>8}  label")
    for hit in found.likeliest:
        say(f"{hit.value:>8.1%}  {hit.label}")
    say(f"{'square':>8}  nearest to all that is likely")
    for hit in found.middle[:3]:
        say(f"{hit.value:>8.2f}  {hit.label}")
    return say(found.sentence)


def _scores(found: LabelScores, as_json: bool) -> None:
    if as_json:
        scores = {
            name: {"value": s.value, "low": s.low, "high": s.high, "chance": s.chance}
            for name, s in found.scores.items()
        }
        return print_json({"scores": scores, "scale": found.scale, "sentence": found.sentence})
    for name, s in found.scores.items():
        interval = f"[{s.low:.3f}, {s.high:.3f}]"
        say(f"{name:<24} {s.value:>7.3f}  {interval:<17} chance {s.chance:.3f}")
    return say(found.sentence)
