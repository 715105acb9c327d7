"""Records, which a source yields, and their items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from core.errors import clean, cleaned
from core.types import Item, Rejected, Value

MAX_ATTRIBUTES = 2_000  # of a source; each is a column of the collection


@dataclass(frozen=True, slots=True)
class Record:
    """An image with its captions, labels and attributes, or a text without an image.

    Args:
        name: the image's path inside its source, or the place of the text.
        read: returns the bytes of the image's file, in any thread; None without an image. Raises
            UnreadableFile when the file cannot be read.
        source: absolute path of the image; "" when the store must copy it.
        captions: the image's texts, in order.
        labels: the image's labels, or the text's without an image.
        attributes: every other field, typed.
    """

    name: str
    read: Callable[[], bytes] | None = None
    source: str = ""
    captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """How something was read, or why it was left out, in one sentence for the report."""

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean(self.text))


Entry: TypeAlias = Record | Rejected | Note


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a source is to be read where that shall not be detected; "" detects.

    Args:
        form: name of a form; see `core.ingest.FORMS`.
        image_column: column of a table with the images' paths or bytes.
        caption_column: column with the captions, or several with commas between them.
        label_column: column with the labels, or several.
        vector_column: column with ready-made vectors.
        separator: what separates the cells of a table: one character, or "tab".
    """

    form: str = ""
    image_column: str = ""
    caption_column: str = ""
    label_column: str = ""
    vector_column: str = ""
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Aside:
    """A column or file that was left aside.

    Args:
        name: of the column or file, or of a group of files.
        reason: why, as the end of a sentence.
        instead: the option to type if it was meant otherwise, as "--caption-column alt"; else "".
    """

    name: str
    reason: str
    instead: str = ""

    def __post_init__(self) -> None:
        for field_ in ("name", "reason", "instead"):
            object.__setattr__(self, field_, clean(getattr(self, field_)))


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source was read.

    Args:
        form: name of the form.
        columns: the role of each column of its table: image, caption, label, attribute, vector, id.
        left_aside: what was not read.
    """

    form: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    left_aside: tuple[Aside, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", cleaned(dict(self.columns)))


@dataclass(frozen=True)
class Source:
    """Records, rejected entries and notes in a fixed order, which may be iterated repeatedly.

    `total` counts the records (some may be rejected later), None when unknown. `reading` says how
    they were read.
    """

    name: str
    total: int | None
    entries: Callable[[], Iterable[Entry]]
    reading: Reading = field(default_factory=Reading)

    def __iter__(self) -> Iterator[Entry]:
        known: set[str] = set()
        for entry in self.entries():
            if isinstance(entry, Record) and not known.issuperset(entry.attributes):
                names = known.union(entry.attributes)
                if len(names) > MAX_ATTRIBUTES:
                    reason = f"the source has more than {MAX_ATTRIBUTES:,} attributes with its own"
                    hint = "Leave some of them out"
                    yield Rejected(entry.name, f"{reason}. {hint}")
                    continue
                known = names
            yield entry


def items_of(record: Record, data: bytes | None) -> tuple[Item | None, tuple[Item, ...]]:
    """The item of the image (None without an image) and those of its texts; they are all pairs.

    Labels and attributes go to the image, or to the text without an image. `split` goes to both,
    because images and texts are evaluated.

    >>> image, texts = items_of(Record("a.jpg", captions=("A dog .",), labels=("dog",)), b"...")
    >>> image.labels, texts[0].name, texts[0].labels
    (('dog',), 'A dog .', ())
    """
    image = None
    labels, attributes = record.labels, record.attributes
    if data is not None:
        image = Item("image", data, record.name, record.source, labels, attributes)
        labels = ()
        attributes = {k: v for k, v in attributes.items() if k == "split"}
    texts = (
        Item("text", caption.encode(), shorten(caption), "", labels, attributes)
        for caption in record.captions
    )
    return image, tuple(texts)


def shorten(text: str, length: int = 200) -> str:
    """A text as a name: one line, truncated to `length` characters.

    >>> shorten("one two three", 8)
    'one two…'
    """
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
