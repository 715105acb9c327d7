"""The space: the input of every measurement."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import chain, islice
from mmap import PAGESIZE, mmap
from operator import lt
from os import cpu_count

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.types.arrays import Bools, Floats, Ints, Scope
from core.types.attributes import Attributes
from core.types.item import digest

HASH_BLOCK = 65_536  # rows
SCAN = 0.05  # share of the rows from which on a file is read from end to end


@dataclass(frozen=True)
class StoredRows:
    """Rows in a file, mapped into memory: they were checked when it was written, and have a name.

    Args:
        rows: (n, d) float32 unit rows: the whole of the file.
        key: identity of what they hold.
        file: that they are mapped from.
    """

    rows: Floats
    key: str
    file: mmap

    def fetch(self, rows: Ints) -> None:
        """Have some rows read at once: read where they are used, each waits for the one before."""
        if len(rows) > SCAN * len(self.rows) or not hasattr(self.file, "madvise"):  # as on Windows
            return
        from mmap import MADV_WILLNEED

        size = 4 * self.rows.shape[1]
        first = rows * size // PAGESIZE
        for start, stop in zip(first.tolist(), ((rows + 1) * size).tolist(), strict=True):
            self.file.madvise(MADV_WILLNEED, start * PAGESIZE, stop - start * PAGESIZE)

    def are(self, vectors: Floats) -> bool:
        """Whether an array is these rows: not a copy, nor some of them."""
        return vectors.shape == self.rows.shape and vectors.ctypes.data == self.rows.ctypes.data


@dataclass(frozen=True)
class Space:
    """The input of every measurement: unit rows, images first, then texts, each sorted by id.

    Args:
        vectors: (n, d) float32 unit rows; made read-only here.
        ids: n unique ids.
        n_images: rows [0, n_images) are images, the rest texts.
        pairs: (p, 2) rows of an image and a text that belong together.
        labels: n tuples of labels, or () when nothing is labeled.
        text_lengths: (n_texts,) characters of each text, or empty.
        encoder: the passport's model name.
        steps: repairs applied, oldest first.
        offset: (n,) score bias subtracted at ranking; zeros unless a repair set it.
        held_out: (n,) items whose attribute `split` is `test`; empty where there is no such
            attribute. Nothing is fitted on them, and they alone are evaluated.
        copies: (n,) further files with the same bytes, which are one item; empty without any.
        stored: the file that holds the vectors where they do not fit in memory.
        attributes: of the rows, where they are asked for; no measurement depends on them.

    Raises:
        InputError: vectors that are not finite, not unit, or not aligned with the rest.
    """

    vectors: Floats
    ids: tuple[str, ...]
    n_images: int
    pairs: Ints = field(default_factory=lambda: np.empty((0, 2), np.int64))
    labels: tuple[tuple[str, ...], ...] = ()
    text_lengths: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    encoder: str = ""
    steps: tuple[str, ...] = ()
    offset: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    held_out: Bools = field(default_factory=lambda: np.empty(0, bool))
    copies: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    stored: StoredRows | None = None
    attributes: Attributes | None = None

    def __post_init__(self) -> None:
        vectors = np.ascontiguousarray(self.vectors, np.float32)
        if vectors.ndim != 2 or len(vectors) != len(self.ids) or self.n_images > len(vectors):
            raise InputError(
                f"{vectors.shape} vectors do not match {len(self.ids)} ids and "
                f"{self.n_images} images."
            )
        if not self._mapped(vectors):
            check_unit_rows(vectors, self.ids)
        pairs = np.asarray(self.pairs, np.int64).reshape(-1, 2)
        if len(pairs) and (
            pairs[:, 0].max() >= self.n_images
            or pairs[:, 1].min() < self.n_images
            or pairs.min() < 0
            or pairs.max() >= len(vectors)
        ):
            raise InputError("A pair must name one image row and one text row.")
        n, n_texts = len(vectors), len(vectors) - self.n_images
        for values, what, size, of in (
            (self.labels, "lists of labels", n, "items"),
            (self.text_lengths, "text lengths", n_texts, "texts"),
            (self.offset, "score biases", n, "items"),
            (self.held_out, "held-out marks", n, "items"),
            (self.copies, "numbers of copies", n, "items"),
        ):
            if len(values) not in (0, size):
                raise InputError(f"{len(values):,} {what} do not match {size:,} {of}.")
        offset = self.offset if len(self.offset) else np.zeros(n, np.float32)
        for name, array in (("vectors", vectors), ("pairs", pairs), ("offset", offset)):
            frozen = array.view()
            frozen.flags.writeable = False
            object.__setattr__(self, name, frozen)

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.vectors)

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return int(self.vectors.shape[1])

    @property
    def images(self) -> Floats:
        """The image rows, without a copy."""
        return self.vectors[: self.n_images]

    @property
    def texts(self) -> Floats:
        """The text rows, without a copy."""
        return self.vectors[self.n_images :]

    @cached_property
    def on_disk(self) -> bool:
        """Whether the vectors are mapped from a file: reading all of them reads the disk."""
        return self._mapped(self.vectors)

    def fetch(self, rows: Ints) -> None:
        """Tell the disk which rows are read next; nothing where they are in memory."""
        if self.stored and self.on_disk:
            self.stored.fetch(rows)

    def take(self, rows: Ints) -> Floats:
        """(m, d) copies of some rows: those on disk are requested at once, then read."""
        self.fetch(rows)
        return self.vectors[rows]

    def span(self, scope: Scope) -> slice:
        """The rows of a scope; "joint" and "pairs" are all rows."""
        first = self.n_images if scope == "text" else 0
        return slice(first, self.n_images if scope == "image" else self.n)

    @cached_property
    def kinds(self) -> npt.NDArray[np.str_]:
        """(n,) "image" or "text"."""
        return np.where(np.arange(self.n) < self.n_images, "image", "text")

    @cached_property
    def rows_key(self) -> str:
        """Identity of the vectors and their kinds alone."""
        if self.stored and self.on_disk:
            return digest(self.stored.key, str(self.n_images))
        return digest(*_digests(self.vectors), str(self.n_images))

    @cached_property
    def key(self) -> str:
        """Identity of everything that a measurement can depend on: the cache key."""
        return digest(
            self.rows_key,
            "" if self.stored and self.on_disk else "\n".join(self.ids),  # they are in its key
            self.pairs.tobytes(),
            self.offset.tobytes(),
            repr(self.labels),
            np.asarray(self.text_lengths).tobytes(),
            self.encoder,
            *self.steps,
            *([self.held_out.tobytes()] if len(self.held_out) else []),
            *([self.copies.tobytes()] if len(self.copies) else []),
        )

    @cached_property
    def row(self) -> Mapping[str, int]:
        """Row of an id."""
        halves = self.ids[: self.n_images], self.ids[self.n_images :]
        if all(all(map(lt, ids, islice(ids, 1, None))) for ids in halves):
            return _SortedRows(*halves)
        return {id_: i for i, id_ in enumerate(self.ids)}  # of a space that is not from a store

    @cached_property
    def image_of(self) -> Ints:
        """(n,) row of the image of each item: a text's first one; itself for others.

        >>> space = Space(np.eye(3, dtype="f4"), ("a", "s", "t"), 1, pairs=np.array([[0, 2]]))
        >>> space.image_of.tolist()
        [0, 1, 0]
        """
        result = np.arange(self.n)
        image, text = self.pairs[::-1].T  # the first pair of a text is written last
        result[text] = image
        result.flags.writeable = False
        return result

    def first_texts(self, ids: Iterable[str]) -> dict[str, str]:
        """The id of the first text of each image that has one, by the image's id.

        >>> space = Space(np.eye(3, dtype="f4"), ("a", "b", "c"), 2, pairs=np.array([[0, 2]]))
        >>> space.first_texts(["a", "b", "c", "absent"])
        {'a': 'c'}
        """
        ids = tuple(ids)
        rows = [self.row.get(id_, self.n) for id_ in ids]
        positions = self.pairs[:, 0].searchsorted(rows).tolist()  # pairs are sorted by image
        return {
            id_: self.ids[self.pairs[at, 1]]
            for id_, row, at in zip(ids, rows, positions, strict=True)
            if at < len(self.pairs) and self.pairs[at, 0] == row
        }

    def biased(self, bias: Floats, step: str) -> Space:
        """The same rows with a further score bias, recorded as a step."""
        result = replace(self, offset=self.offset + bias, steps=(*self.steps, step))
        vars(result)["rows_key"] = self.rows_key  # the same rows: hashing them takes seconds
        return result

    def _mapped(self, vectors: Floats) -> bool:
        return self.stored is not None and self.stored.are(vectors)

    def subset(self, rows: Ints) -> Space:
        """The space of some rows (any order, no repeats) and of the pairs inside it."""
        keep = np.sort(np.asarray(rows, np.int64))
        new_row = np.full(self.n, -1, np.int64)
        new_row[keep] = np.arange(len(keep))
        pairs = new_row[self.pairs]
        lengths = self.text_lengths
        return replace(
            self,
            vectors=self.take(keep),
            ids=tuple(self.ids[i] for i in keep),
            n_images=int((keep < self.n_images).sum()),
            pairs=pairs[(pairs >= 0).all(axis=1)],
            labels=tuple(self.labels[i] for i in keep) if self.labels else (),
            text_lengths=lengths[keep[keep >= self.n_images] - self.n_images]
            if len(lengths)
            else lengths,
            offset=self.offset[keep],
            held_out=self.held_out[keep] if len(self.held_out) else self.held_out,
            copies=self.copies[keep] if len(self.copies) else self.copies,
            attributes=self.attributes.taken(new_row) if self.attributes else None,
        )


@dataclass(frozen=True)
class _SortedRows(Mapping[str, int]):
    """Rows by id, found by bisection: a dict of ten million ids takes a gigabyte, and seconds."""

    images: tuple[str, ...]
    texts: tuple[str, ...]

    def __getitem__(self, id_: str) -> int:
        for first, ids in ((0, self.images), (len(self.images), self.texts)):
            at = bisect_left(ids, id_)
            if at < len(ids) and ids[at] == id_:
                return first + at
        raise KeyError(id_)

    def __iter__(self) -> Iterator[str]:
        return chain(self.images, self.texts)

    def __len__(self) -> int:
        return len(self.images) + len(self.texts)


def _digests(vectors: Floats) -> list[bytes]:
    """Digests of blocks of rows, a thread each: every measurement waits for them."""
    if not vectors.size:
        return []
    starts = range(0, len(vectors), HASH_BLOCK)
    with ThreadPoolExecutor(min(len(starts), cpu_count() or 1)) as pool:
        return list(pool.map(lambda i: sha256(vectors[i : i + HASH_BLOCK].data).digest(), starts))


def check_unit_rows(vectors: Floats, ids: Sequence[str], block: int = 65_536) -> None:
    """Reject rows that are not finite or not of length 1 (within 1e-3).

    Raises:
        InputError: the first such row, by its id.
    """
    for start in range(0, len(vectors), block):
        rows = vectors[start : start + block]
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        wrong = np.flatnonzero(~(np.abs(lengths - 1.0) < 1e-3))
        if len(wrong):
            at = int(wrong[0])
            raise InputError(
                f"The vector of '{ids[start + at]}' has length {lengths[at]:.4g}; "
                "unit vectors are needed."
            )
