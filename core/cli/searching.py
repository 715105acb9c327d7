"""`sextant search`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.printing import print_json, read_file, say
from core.errors import InputError

if TYPE_CHECKING:
    from core.workbench import Workbench


def search(workbench: Workbench, options: argparse.Namespace) -> None:
    """What is nearest to a text or a picture."""
    from core import documents
    from core.types import Kind, Part, Query

    kinds: dict[str, tuple[Kind, ...]] = {
        "image": ("image",),
        "text": ("text",),
        "both": ("image", "text"),
    }

    if bool(options.text.strip()) == bool(options.image):
        raise InputError("Ask with a text or with --image FILE, and not with both.")
    card = workbench.card(options.name)
    find = options.find or ("image" if card.images else "text")
    image = read_file(options.image) if options.image else b""
    filters = workbench.filters(options.name, options.where)
    part = Part(options.text, image)
    query = Query((part,), kinds=kinds[find], filters=filters, k=options.k)
    answer = workbench.search(options.name, query, options.encoder)
    items = {i.id: i for i in workbench.items(options.name, [h.id for h in answer.hits])}
    if options.json:
        return print_json(documents.answer(answer, items))
    for hit in answer.hits:
        hub = f"  hub x{hit.hubness:.1f}" if hit.hubness else ""
        name = items[hit.id].name
        say(f"{hit.rank:>4}  {hit.cosine:.3f}  p {hit.p_null:.1e}  {name}{hub}")
    say(answer.sentence)
