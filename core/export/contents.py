"""What is exported: items with all that belongs to them, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from core.export.manifest import Manifest, columns_of
from core.types import Floats, Item, Passport, Progress, Rejected, Space, Value

if TYPE_CHECKING:
    from core.store import Collection

BATCH = 512
Pixels = Literal["", "copies", "all"]


@dataclass(frozen=True)
class Row:
    """One item of an export.

    Args:
        item: its payload is the text, or the image's bytes where they are exported.
        pairs: of an image, the ids of its texts; `captions` are these texts and `pair_tags` the
            tags of each of these pairs.
        captions: aligned with `pairs`.
        tags: of the item itself.
        pair_tags: aligned with `pairs`; () where no pair has a tag.
        scores: where the item is a hit, by column; see `manifest.SCORES`.
        vectors: (d,) of each encoder, None where it has none.
    """

    item: Item
    pairs: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    pair_tags: tuple[tuple[str, ...], ...] = ()
    scores: Mapping[str, Value] = field(default_factory=dict)
    vectors: tuple[Floats | None, ...] = ()


@dataclass
class Contents:
    """The items of an export, in order.

    Args:
        collection: where they are.
        ids: of the items.
        vectors: the passport and the space of each encoder to export; none without.
        scores: of hits, by id.
        progress: called with (items done, all items); may raise to stop.

    After the export `unreadable` are the images whose bytes could not be read, and `images` is the
    number of images.
    """

    collection: Collection
    ids: Sequence[str]
    vectors: Sequence[tuple[Passport, Space]]
    scores: Mapping[str, Mapping[str, Value]]
    progress: Progress
    unreadable: list[Rejected] = field(default_factory=list)
    images: int = 0

    @cached_property
    def manifest(self) -> Manifest:
        """The columns."""
        types = self.collection.attribute_types()
        passports = [passport for passport, _ in self.vectors]
        columns = columns_of(types, passports, scored=bool(self.scores))
        return Manifest(self.collection.name, columns)

    def batches(self, pixels: Pixels) -> Iterator[list[Row]]:
        """The rows; images with their bytes where they are asked for.

        Args:
            pixels: of which images: "all", or "copies" for those without a file of their own.
        """
        texts_of, tags = self.collection.pairs(), self._tags()
        for start in range(0, len(self.ids), BATCH):
            self.progress(start, len(self.ids))
            items = self._items(self.ids[start : start + BATCH], pixels)
            self.images += sum(item.kind == "image" for item in items)
            pairs = {item.id: tuple(sorted(texts_of.get(item.id, ()))) for item in items}
            named = list({text: None for texts in pairs.values() for text in texts})
            captions = {item.id: item.text for item in self.collection.items(named)}
            yield [self._row(item, pairs[item.id], captions, tags) for item in items]
        self.progress(len(self.ids), len(self.ids))

    def _row(
        self,
        item: Item,
        pairs: tuple[str, ...],
        captions: Mapping[str, str],
        tags: Mapping[tuple[str, ...], list[str]],
    ) -> Row:
        of_pairs = tuple(tuple(tags.get((item.id, text), ())) for text in pairs)
        return Row(
            item,
            pairs,
            tuple(captions[text] for text in pairs),
            tuple(tags.get((item.id,), ())),
            of_pairs if any(of_pairs) else (),
            self.scores.get(item.id, {}),
            tuple(_vector(space, item.id) for _, space in self.vectors),
        )

    def _tags(self) -> dict[tuple[str, ...], list[str]]:
        tags: dict[tuple[str, ...], list[str]] = {}
        for tag in self.collection.tags.all():
            tags.setdefault(tag.ids, []).append(tag.name)
        return tags

    def _items(self, ids: Sequence[str], pixels: Pixels) -> list[Item]:
        """The items, those images with their bytes that are to have them."""
        items = [_of_utf8(item) for item in self.collection.items(ids)]
        wanted = [
            item.id
            for item in items
            if item.kind == "image" and (pixels == "all" or (pixels and not item.source))
        ]
        found = self.collection.with_payload(wanted)
        payloads: dict[str, bytes] = {}
        for id_, one in zip(wanted, found, strict=True):
            if isinstance(one, Rejected):
                self.unreadable.append(one)
            else:
                payloads[id_] = one.payload
        return [replace(i, payload=payloads[i.id]) if i.id in payloads else i for i in items]


def _vector(space: Space, id_: str) -> Floats | None:
    row = space.row.get(id_)
    return None if row is None else space.vectors[row]


def _of_utf8(item: Item) -> Item:
    """A path that is no text cannot be written into a table: such an image counts as a copy."""
    try:
        item.source.encode()
    except UnicodeEncodeError:
        return replace(item, source="")
    return item
