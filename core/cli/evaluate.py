"""`sextant evaluate`: retrieval of a collection's pairs, of its labels, or by two encoders."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.cli import gate
from core.cli.output import echo, print_json
from core.errors import InputError

if TYPE_CHECKING:
    from core.store import EncodedCollection
    from core.types import Score
    from core.workbench import Workbench

DIRECTIONS = ("text_to_image", "image_to_text")


def evaluate(workbench: Workbench, options: argparse.Namespace) -> int:
    """Print what was evaluated, decide on it, and return the exit code."""
    _check(options)
    opened = workbench.open(options.name, options.encoder, options.recipe)
    if options.without_tag:
        opened = workbench.without_tags(opened, options.without_tag)
    document, lines = _measured(workbench, opened, options)
    decision = gate.decide(
        {"collection": options.name, "encoder": opened.passport.model, **document}, options
    )
    if options.json:
        document = decision.document
        if not options.ranks:
            document = {key: value for key, value in document.items() if key != "ranks"}
        print_json(document, options)
    else:
        for line in lines:
            echo(line)
    return decision.finish(options)


def _check(options: argparse.Namespace) -> None:
    """Reject options that exclude each other."""
    alone = [
        f"--{name.replace('_', '-')}"
        for name in ("analogies", "labels", "versus_encoder")
        if getattr(options, name)
    ]
    if len(alone) > 1:
        raise InputError(f"Give {alone[0]} or {alone[1]}, and not both.")
    if alone:
        _check_pairs(options, f"Leave {alone[0]} out.")
    gate.check(options)


def _check_pairs(options: argparse.Namespace, why: str) -> None:
    """Reject options of an evaluation of pairs, where something else is evaluated."""
    for name in ("hub_correction", "by", "ranks"):
        if getattr(options, name):
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} is for an evaluation of pairs. {why}")


def _measured(
    workbench: Workbench, opened: EncodedCollection, options: argparse.Namespace
) -> tuple[dict[str, Any], list[str]]:
    """The document, and the same as lines of text."""
    if options.analogies:
        return _analogies(workbench, opened)
    if options.versus_encoder:
        return _versus(workbench, opened, options)
    if options.labels:
        return _labels(workbench, opened)
    if len(opened.space.pairs) < 2 and any(opened.space.labels):
        _check_pairs(options, "Here are fewer than two: leave it out.")
        return _labels(workbench, opened)
    return _pairs(workbench, opened, options)


def _pairs(
    workbench: Workbench, opened: EncodedCollection, options: argparse.Namespace
) -> tuple[dict[str, Any], list[str]]:
    """Retrieval in both directions, and its groups."""
    from core.workbench import documents

    result = workbench.evaluate(opened, hub_correction=options.hub_correction)
    document = documents.evaluation(result)
    lines = []
    for name in DIRECTIONS:
        direction = getattr(result, name)
        lines.append(f"{name.replace('_', ' ')} ({len(direction.queries):,} queries)")
        lines += _scores(direction.scores)
    if options.by:
        by = {}
        fields = {name: workbench.group_fields(opened, name) for name in DIRECTIONS}
        for name in [n for n in DIRECTIONS if options.by in fields[n]] or DIRECTIONS:
            found = workbench.recall_by_group(opened, result, name, options.by)
            by[name] = documents.groups(options.by, found)
            lines.append(f"{name.replace('_', ' ')} by {options.by}, the lowest first")
            lines += [f"{line}  {g.differs}".rstrip() for g in found
                      for line in _scores({g.name: g.score})]  # fmt: skip
        document["by_group"] = by
    document["ranks"] = documents.ranks(workbench.query_ranks(opened, result))
    return document, [*lines, result.sentence]


def _labels(workbench: Workbench, opened: EncodedCollection) -> tuple[dict[str, Any], list[str]]:
    """Zero-shot accuracy, and image to image by label."""
    from core.workbench import documents

    result, lines = workbench.score_by_label(opened), []
    for title, found in (
        ("zero-shot classification", result.classification),
        ("image to image by label", result.image_to_image),
    ):
        if found:
            lines += [title, *_scores(found.scores), found.sentence]
    return documents.by_label(result), [*lines, *result.lacks.values()]


def _versus(
    workbench: Workbench, opened: EncodedCollection, options: argparse.Namespace
) -> tuple[dict[str, Any], list[str]]:
    """Two encoders on the same queries."""
    from core.workbench import documents

    other = workbench.open(options.name, options.versus_encoder)
    if options.without_tag:
        other = workbench.without_tags(other, options.without_tag)
    a, b = opened.passport.model, other.passport.model
    document, lines = {}, [f"A {a}, B {b}"]
    for name, found in workbench.compare_encoders(opened, other).items():
        document[name] = documents.versus(found, a, b)
        lines.append(
            f"{name.replace('_', ' ')}: of {len(found.queries):,} queries A alone finds "
            f"{len(found.won):,} within {found.k}, B alone {len(found.lost):,}, both "
            f"{found.both:,}, neither {found.neither:,}"
        )
        lines += _scores({"A - B": found.gain, f"overlap@{found.k}": found.overlap})
    return document, lines


def _analogies(workbench: Workbench, opened: EncodedCollection) -> tuple[dict[str, Any], list[str]]:
    """Success rate of label analogies."""
    from core.workbench import documents

    result = workbench.analogies(opened)
    return documents.analogies(result), [*_scores(result.scores), result.sentence]


def _scores(scores: Mapping[str, Score]) -> list[str]:
    lines = []
    for name, s in scores.items():
        interval = f"[{s.low:.3f}, {s.high:.3f}]"
        chance = "" if s.chance != s.chance else f"chance {s.chance:.3f}"
        lines.append(f"  {name:<12} {s.value:>8.3f}  {interval:<18} {chance}".rstrip())
    return lines
