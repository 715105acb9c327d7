"""`sextant search`: one query, or one on each line of a file."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import echo, print_json, read_file, read_text
from core.errors import InputError, SextantError

if TYPE_CHECKING:
    from core.search import SearchResult
    from core.store import EncodedCollection
    from core.types import Hit, Item, Part, Query
    from core.workbench import Workbench


def search(workbench: Workbench, options: argparse.Namespace) -> None:
    """The hits of one query, or of each line of a file."""
    from core.workbench import documents

    if options.queries and options.text.strip():
        raise InputError("Give a QUERY or --queries FILE, and not both.")
    if not (options.queries or options.text.strip() or options.image):
        raise InputError("Give a QUERY or --image FILE.")
    texts = _lines(options.queries) if options.queries else [options.text]
    opened = workbench.open(options.name, options.encoder, options.recipe)
    results = workbench.search_all(opened, _queries(workbench, opened, options, texts))
    ids = dict.fromkeys(hit.id for result in results for hit in result.hits)
    texts_of = opened.space.first_texts(ids) if options.json else {}
    named = dict.fromkeys((*ids, *texts_of.values()))
    items = {item.id: item for item in workbench.items(options.name, list(named))}
    if options.json:
        rows = [documents.search_result(result, items, texts_of) for result in results]
        if not options.queries:
            return print_json(rows[0], options)
        return print_json(
            [{"query": q, **row} for q, row in zip(texts, rows, strict=True)], options
        )
    for text, result in zip(texts, results, strict=True):
        if options.queries:
            echo(f"> {text}")
        _print(result, items)


def _preferred(
    workbench: Workbench, opened: EncodedCollection, text: str
) -> tuple[tuple[str, str], ...]:
    """The values of a condition such as `label = dog`, by field."""
    filters = workbench.parse_filters(opened, text)
    if any(one.op != "in" for one in filters):
        raise InputError(
            f"'{text}' names no value to prefer. Name some, such as: --prefer 'label = dog'"
        )
    for one in filters:
        if not opened.collection.mask((one,), opened.space.ids).any():
            raise InputError(
                f"No item has the {one.field} {', '.join(map(str, one.values))}. Prefer a value "
                "that some have."
            )
    return tuple(
        (one.field, str(value).lower() if isinstance(value, bool) else str(value))
        for one in filters
        for value in one.values
    )


def _queries(
    workbench: Workbench, opened: EncodedCollection, options: argparse.Namespace, texts: list[str]
) -> list[Query]:
    """One query for each text, all parsed before anything is searched."""
    from core.types import Kind, Part, Query

    kinds: dict[str, tuple[Kind, ...]] = {
        "image": ("image",),
        "text": ("text",),
        "both": ("image", "text"),
    }
    find = options.find or ("image" if workbench.card(options.name).images else "text")
    image = (Part(image=read_file(options.image)),) if options.image else ()
    filters = workbench.parse_filters(opened, options.where)
    return [
        Query(
            (*parts, *image),
            kinds=kinds[find],
            filters=filters,
            k=options.k,
            mix=options.mix,
            template=options.template,
            first_stage=options.first,
            full_text=options.words,
            miss=options.miss,
            hub_correction=options.hub_correction,
            rerank=options.rerank,
            preferred=_preferred(workbench, opened, options.prefer),
        )
        for parts in _parts(workbench, opened, options, texts)
    ]


def _parts(
    workbench: Workbench, opened: EncodedCollection, options: argparse.Namespace, texts: list[str]
) -> list[tuple[Part, ...]]:
    """The parts of each text; a line that cannot be parsed is named."""
    parts: list[tuple[Part, ...]] = []
    for number, text in enumerate(texts, 1):
        if options.image and not text.strip():
            parts.append(())
            continue
        try:
            parts.append(
                workbench.parse_query(opened, text, read=lambda name: read_file(Path(name)))
            )
        except SextantError as error:
            if not options.queries:
                raise
            raise InputError(f"Line {number} of {options.queries}: {error}") from error
    return parts


def _lines(file: str) -> list[str]:
    """The queries of a file or of standard input, one per line."""
    lines = re.split(r"\r\n|\n|\r", read_text(file))
    if not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InputError(f"{file} holds no query. Write one per line.")
    return lines


def _print(result: SearchResult, items: dict[str, Item]) -> None:
    """Hits with a line above each band; then the sentences."""
    from core.search import describe_changes
    from core.types import BANDS

    band: str = ""
    for hit in sorted(result.hits, key=lambda hit: BANDS.index(hit.band)):
        if hit.band != band:
            band = hit.band
            echo(f"---- {band} ----")
        echo(_line(hit, items[hit.id].name))
    echo(result.sentence)
    for note in filter(None, (*result.notes, describe_changes(result))):
        echo(note)


def _line(hit: Hit, name: str) -> str:
    hub = f"  hub x{hit.hubness:.1f}" if hit.hubness else ""
    return f"{hit.rank:>4}  {hit.cosine:.3f}  p {hit.p_null:.1e}  {name}{hub}"
