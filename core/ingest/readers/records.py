"""What a source yields: records, and the items that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from core.types import Item, Rejected, Value


@dataclass(frozen=True, slots=True)
class Record:
    """One picture with all that was said about it, or one text without a picture.

    Args:
        name: the picture's path inside its source, or the place of the text.
        read: gives the picture's file bytes, from any thread; None when there is no picture.
            Raises UnreadableFile when the file cannot be read.
        source: absolute path of the picture; "" when the store must keep a copy.
        captions: texts that belong to the picture, in their order.
        labels: the picture's labels, or the text's when there is no picture.
        attributes: every other field, typed.
    """

    name: str
    read: Callable[[], bytes] | None = None
    source: str = ""
    captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """Records and refusals in a fixed order; iterating again gives the same again.

    `total` counts the records (some may turn into refusals on the way), None when unknown.
    """

    name: str
    total: int | None
    entries: Callable[[], Iterable[Record | Rejected]]

    def __iter__(self) -> Iterator[Record | Rejected]:
        return iter(self.entries())


def items_of(record: Record, data: bytes | None) -> tuple[Item | None, tuple[Item, ...]]:
    """The picture's item (None without a picture) and its texts' items; they are all pairs.

    Labels and attributes go to the picture, or to the text when there is no picture. `split` goes
    to both, because evaluation asks pictures and texts alike.

    >>> picture, texts = items_of(Record("a.jpg", captions=("A dog .",), labels=("dog",)), b"...")
    >>> picture.labels, texts[0].name, texts[0].labels
    (('dog',), 'A dog .', ())
    """
    picture = None
    labels, attributes = record.labels, record.attributes
    if data is not None:
        picture = Item("image", data, record.name, record.source, labels, attributes)
        labels = ()
        attributes = {k: v for k, v in attributes.items() if k == "split"}
    texts = (
        Item("text", caption.encode(), short(caption), "", labels, attributes)
        for caption in record.captions
    )
    return picture, tuple(texts)


def short(text: str, length: int = 200) -> str:
    """A text as a name: one line, cut after `length` characters.

    >>> short("one two three", 8)
    'one two…'
    """
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
