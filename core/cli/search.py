"""`sextant search`."""

from __future__ import annotations

import argparse
import re
import sys
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import print_json, read_file, say
from core.errors import InputError, SextantError

if TYPE_CHECKING:
    from core.search import SearchResult
    from core.types import Hit, Item, Part, Query
    from core.workbench import Workbench


def search(workbench: Workbench, options: argparse.Namespace) -> None:
    """What is nearest to a question, or to each of several."""
    from core.workbench import documents

    if options.queries and options.text.strip():
        raise InputError("Ask with a QUERY or with --queries FILE, and not with both.")
    if not (options.queries or options.text.strip() or options.image):
        raise InputError("Ask with a text or with --image FILE.")
    asked = _lines(options.queries) if options.queries else [options.text]
    queries = _queries(workbench, options, asked)
    answers = workbench.search_all(options.name, queries, options.encoder)
    ids = dict.fromkeys(hit.id for answer in answers for hit in answer.hits)
    items = {item.id: item for item in workbench.items(options.name, list(ids))}
    if options.json:
        found = [documents.answer(answer, items) for answer in answers]
        if not options.queries:
            return print_json(found[0])
        return print_json([{"query": q, **f} for q, f in zip(asked, found, strict=True)])
    for text, answer in zip(asked, answers, strict=True):
        if options.queries:
            say(f"> {text}")
        _say(answer, items)


def _queries(workbench: Workbench, options: argparse.Namespace, asked: list[str]) -> list[Query]:
    """One query for each text, all read before anything is searched."""
    from core.types import Kind, Part, Query

    kinds: dict[str, tuple[Kind, ...]] = {
        "image": ("image",),
        "text": ("text",),
        "both": ("image", "text"),
    }
    card = workbench.card(options.name)
    find = options.find or ("image" if card.images else "text")
    picture = (Part(image=read_file(options.image)),) if options.image else ()
    filters = workbench.filters(options.name, options.where)
    return [
        Query(
            (*parts, *picture),
            kinds=kinds[find],
            filters=filters,
            k=options.k,
            mix=options.mix,
            template=options.template,
            first=options.first,
            words=options.words,
            expected=options.expected,
            miss=options.miss,
            hub_correction=options.hub_correction,
            rerank=options.rerank,
        )
        for parts in _parts(workbench, options, asked)
    ]


def _parts(
    workbench: Workbench, options: argparse.Namespace, asked: list[str]
) -> list[tuple[Part, ...]]:
    """What each text asks for; a line that cannot be read is named."""
    found: list[tuple[Part, ...]] = []
    for number, text in enumerate(asked, 1):
        try:
            found.append(
                workbench.question(options.name, text, options.encoder, read=_read)
                if text.strip() or not options.image
                else ()
            )
        except SextantError as error:
            if not options.queries:
                raise
            raise InputError(f"Line {number} of {options.queries}: {error}") from error
    return found


def _lines(file: str) -> list[str]:
    """The queries of a file or of standard input, one a line."""
    data = sys.stdin.buffer.read() if file == "-" else read_file(Path(file))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text: byte {error.start + 1}.") from error
    lines = re.split(r"\r\n|\n|\r", text)
    if not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InputError(f"{file} holds no query. Write one a line.")
    return lines


def _read(name: str) -> bytes:
    return read_file(Path(name))


def _say(answer: SearchResult, items: dict[str, Item]) -> None:
    """Matches, a line where the cut lies, the rest; then what to make of it."""
    from core.search import describe_changes

    for match in (True, False):
        for hit in answer.hits:
            if hit.match == match:
                say(_line(hit, items[hit.id].name))
        if match and answer.hits:
            least = ", ".join(f"{x:.3f}" for x in answer.cut.cosines.values() if isfinite(x))
            say(f"---- cut at cosine {least} ----" if least else "---- cut ----")
    say(answer.sentence)
    for note in filter(None, (*answer.notes, describe_changes(answer))):
        say(note)


def _line(hit: Hit, name: str) -> str:
    hub = f"  hub x{hit.hubness:.1f}" if hit.hubness else ""
    return f"{hit.rank:>4}  {hit.cosine:.3f}  p {hit.p_null:.1e}  {name}{hub}"
