"""`sextant collections`, `info`, `rename`, `delete` and `undo`."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from shlex import quote
from typing import TYPE_CHECKING, Any

from core.cli.output import echo, print_json
from core.errors import InputError, StoreError

if TYPE_CHECKING:
    from core.types import Passport
    from core.workbench import Workbench


def collections(workbench: Workbench, options: argparse.Namespace) -> None:
    """The collections and their encoders."""
    from core.measure import count

    cards = workbench.cards()
    if options.json:
        rows = [
            {
                "name": c.name,
                "images": None if c.problem else c.images,
                "texts": None if c.problem else c.texts,
                "encoders": list(c.encoders),
                "problem": c.problem,
            }
            for c in cards
        ]
        return print_json({"collections": rows}, options)
    for card in cards:
        counts = [count(card.images, "image"), count(card.texts, "text"), *card.encoders]
        echo(f"{card.name}: {card.problem or ', '.join(counts)}")
    if not cards:
        echo("No collections yet. Create one: sextant ingest PATH -c NAME, or sextant demo")
    return None


def info(workbench: Workbench, options: argparse.Namespace) -> None:
    """Counts, encoders, fields and tags of a collection."""
    from core.measure import count

    card = workbench.card(options.name)
    passports = [workbench.passport(card.name, encoder) for encoder in card.encoders]
    fields = {field.name: field.type for field in workbench.fields(card.name)}
    tags = Counter(tag.name for tag in workbench.tags(card.name))
    if options.json:
        document: dict[str, Any] = {
            "name": card.name,
            **{"images": card.images, "texts": card.texts, "pairs": card.pairs},
            "encoders": [asdict(passport) for passport in passports],
            "fields": fields,
            "tags": dict(tags),
        }
        return print_json(document, options)
    numbers = [(card.images, "image"), (card.texts, "text"), (card.pairs, "pair")]
    echo(f"{card.name}: {', '.join(count(n, name) for n, name in numbers)}")
    for passport in passports:
        echo(f"encoder: {_line(passport)}")
    echo(f"fields: {', '.join(f'{name} ({kind})' for name, kind in fields.items()) or 'none'}")
    return echo(f"tags: {', '.join(f'{name} ({n:,})' for name, n in tags.items()) or 'none'}")


def rename(workbench: Workbench, options: argparse.Namespace) -> None:
    """Give a collection another name; links with the old name no longer open it."""
    workbench.rename(options.collection, options.to)
    if options.json:
        return print_json({"name": options.to, "before": options.collection}, options)
    return echo(f"{options.collection} is now {options.to}.")


def delete(workbench: Workbench, options: argparse.Namespace) -> None:
    """Delete a collection with its vectors; image files in one's own folders stay."""
    from core.measure import count

    name, document = options.collection, dict[str, Any]()
    try:
        card = workbench.card(name)
        items = f"{count(card.images, 'image')} and {count(card.texts, 'text')}"
        document = {"images": card.images, "texts": card.texts}
    except StoreError:  # a damaged collection can be deleted too
        items = "all its items"
    if not options.yes:
        raise InputError(
            f"This deletes '{name}' with {items} and their vectors, and cannot be undone. "
            "Add --yes to confirm."
        )
    workbench.delete(name)
    if options.json:
        return print_json({"deleted": name, **document}, options)
    return echo(f"Deleted {name} with {items}.")


def check(workbench: Workbench, options: argparse.Namespace) -> None:
    """What does not fit together in a collection, mended with --repair."""
    found = workbench.check(options.name, repair=options.repair)
    if options.json:
        document = {"name": options.name, "problems": [asdict(one) for one in found]}
        return print_json(document, options)
    for problem in found:
        echo(f"{problem.sentence} {'Repaired.' if problem.mended else ''}".rstrip())
    if any(problem.mendable for problem in found) and not options.repair:
        echo(f"To repair what can be: sextant check {quote(options.name)} --repair")
    return None if found else echo(f"{options.name}: everything fits.")


def doctor(workbench: Workbench, options: argparse.Namespace) -> None:
    """Versions, backends, free space, and the health of every collection."""
    found = workbench.doctor()
    if options.json:
        return print_json(found, options)
    packages = ", ".join(f"{name} {number}" for name, number in found["packages"].items())
    echo(f"Python {found['python']}, {packages}")
    echo(f"backends: {', '.join(found['backends'])}")
    echo(f"home: {found['home']}, {found['free_gb']:,} GB free")
    if found["readable_by_others"]:
        echo(f"Other users of this computer can read the home: chmod 700 {found['home']}")
    if found["problem"]:
        echo(found["problem"])
    for name, problems in found["collections"].items():
        echo(f"{name}: {' '.join(problems) or 'everything fits.'}")
    return None


def undo(workbench: Workbench, options: argparse.Namespace) -> None:
    """Undo the last edit, or let an ingest add deleted items again."""
    if options.deletions:
        n = workbench.allow_deleted(options.name)
        if options.json:
            return print_json({"name": options.name, "allowed": n}, options)
        return echo(f"{options.name}: the next ingest may add {n:,} deleted items again.")
    undone = workbench.undo(options.name)
    if options.json:
        return print_json({"name": options.name, "undone": undone}, options)
    return echo(f"{options.name}: undone: {undone}.")


def _line(passport: Passport) -> str:
    weights = f"weights {passport.weights[:12]}" if passport.weights else "brought along"
    return f"{passport.model}, {passport.d} dimensions, {weights}"
