"""Labels as classes: which rows carry which label, and what belongs to each, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import TooFew
from core.types import Bools, Doubles, Floats, Ints, Kind, Space, digest, per_space

BLOCK = 1024
EXACT_ROWS = 200_000  # up to here rows are summed in float64 throughout
FEW = 64  # classes in a block
HINT = "Add a column 'label' when ingesting."


@dataclass(frozen=True)
class LabelCodes:
    """One class for each row: `codes` (n,) numbers `names`, -1 for a row without."""

    names: tuple[str, ...]
    codes: Ints
    rule: str


@dataclass(frozen=True)
class Classes:
    """Rows of one kind, sorted by class: class i is rows[starts[i] : starts[i + 1]].

    `of` is how many rows of the kind there are, `rule` how a row came to its class.
    """

    kind: Kind
    names: tuple[str, ...]
    rows: Ints
    starts: Ints
    of: int
    rule: str

    @property
    def sizes(self) -> Ints:
        """(K,) rows of each class."""
        return np.diff(self.starts)

    @property
    def codes(self) -> Ints:
        """(len(rows),) class of each row; sorted."""
        return np.repeat(np.arange(len(self.names)), self.sizes)

    def of_class(self, i: int) -> Ints:
        """The rows of one class."""
        return self.rows[self.starts[i] : self.starts[i + 1]]


@per_space
def label_codes(space: Space) -> LabelCodes:
    """The class of every row: its only label, or the first where most labelled rows have several.

    A text without a label takes its picture's.

    >>> rows = np.eye(3, dtype=np.float32)
    >>> labels = (("a",), ("b",), ())
    >>> found = label_codes(Space(rows, ("i", "j", "t"), 2, np.array([[1, 2]]), labels))
    >>> found.names, found.codes.tolist()
    (('a', 'b'), [0, 1, 1])
    """
    codes = np.full(space.n, -1, np.int64)
    if not space.labels:
        return LabelCodes((), codes, "by their only label")
    sizes = np.fromiter(map(len, space.labels), np.int64, space.n)
    several = int((sizes > 1).sum()) > int((sizes == 1).sum())
    counted = np.flatnonzero(sizes >= 1 if several else sizes == 1)
    words = [space.labels[row][0] for row in counted]
    names = tuple(sorted(set(words)))
    place = {name: i for i, name in enumerate(names)}
    codes[counted] = np.fromiter(map(place.__getitem__, words), np.int64, len(words))
    if len(space.pairs):
        image, text = space.pairs[::-1].T  # the first pair is written last, so that it counts
        takes = (sizes[text] == 0) & (codes[image] >= 0)
        codes[text[takes]] = codes[image[takes]]
    rule = "by the first of their labels" if several else "by their only label"
    return LabelCodes(names, codes, rule)


def classes(space: Space, kind: Kind, *, least: int, most: int = 2000) -> Classes:
    """The labels with at least `least` rows of a kind, by name; the `most` largest at most."""
    found = label_codes(space)
    span = space.span(kind)
    codes = found.codes[span]
    sizes = np.bincount(codes[codes >= 0], minlength=len(found.names))
    large = np.flatnonzero(sizes >= least)
    large = np.sort(large[np.argsort(-sizes[large], kind="stable")[:most]])
    return _gathered(space, kind, large)


def _gathered(space: Space, kind: Kind, large: Ints) -> Classes:
    """The classes of some labels, by their numbers in ascending order."""
    found = label_codes(space)
    span = space.span(kind)
    codes = found.codes[span]
    renumbered = np.full(len(found.names) + 1, -1, np.int64)  # the last place serves code -1
    renumbered[large] = np.arange(len(large))
    code = renumbered[codes]
    rows = np.flatnonzero(code >= 0)
    order = np.argsort(code[rows], kind="stable")
    sizes = np.bincount(code[rows], minlength=len(large))
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    names = tuple(found.names[i] for i in large)
    return Classes(kind, names, rows[order] + span.start, starts, len(codes), found.rule)


def labelled_classes(
    space: Space, what: str, *, least: int, most: int = 2000
) -> tuple[Classes, ...]:
    """The classes of images and of texts, where there are two or more.

    Raises:
        TooFew: no two labels have `least` items of one kind.
    """
    kinds: tuple[Kind, ...] = ("image", "text")
    found = [classes(space, kind, least=least, most=most) for kind in kinds]
    enough = tuple(c for c in found if len(c.names) > 1)
    if not enough:
        each = f"labels with {least} or more items of one kind"
        raise TooFew(what, 2, each, max(len(c.names) for c in found), HINT)
    return enough


def class_sums(vectors: Floats, given: Classes) -> tuple[Doubles, Doubles]:
    """Sum of the rows (K, d) and of their squared lengths (K,), in float64.

    Within a block they are float32 when there are more than `EXACT_ROWS` rows.
    """
    count = len(given.names)
    sums, squares = np.zeros((count, vectors.shape[1])), np.zeros(count)
    codes = given.codes
    exact = len(codes) <= EXACT_ROWS
    for start in range(0, len(codes), BLOCK):
        part = slice(start, start + BLOCK)
        rows, code = vectors[given.rows[part]], codes[part]
        rows = rows.astype(np.float64) if exact else rows
        first = np.flatnonzero(np.diff(code, prepend=-1))
        if len(first) <= FEW:  # a product with 0 and 1 is several times quicker
            sums[code[first]] += (code == code[first][:, None]).astype(rows.dtype) @ rows
        else:
            sums[code[first]] += np.add.reduceat(rows, first, axis=0)
        squares[code[first]] += np.add.reduceat(np.einsum("ij,ij->i", rows, rows), first)
    return sums, squares


@per_space
def class_totals(space: Space, kind: Kind, names: tuple[str, ...]) -> tuple[Doubles, Doubles]:
    """`class_sums` of all rows of the named classes of a kind, for everyone who asks."""
    place = {name: i for i, name in enumerate(label_codes(space).names)}
    given = _gathered(space, kind, np.array([place[name] for name in names], np.int64))
    return class_sums(space.vectors, given)


def member_matrix(space: Space, rows: Ints) -> tuple[tuple[str, ...], Ints, Ints]:
    """Every label of some rows: names, and (place in `rows`, label) of each, one a label."""
    tuples = [space.labels[row] for row in rows] if space.labels else []
    names = tuple(sorted({name for labels in tuples for name in labels}))
    place = {name: i for i, name in enumerate(names)}
    sizes = np.fromiter(map(len, tuples), np.int64, len(tuples))
    flat = np.fromiter((place[n] for labels in tuples for n in labels), np.int64, sizes.sum())
    return names, np.repeat(np.arange(len(tuples)), sizes), flat


def part_of(given: Classes, mask: Bools) -> Classes:
    """The same classes with only some of their rows."""
    starts = np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)[given.starts]
    return Classes(given.kind, given.names, given.rows[mask], starts, given.of, given.rule)


def split(given: Classes, seed: int = 0) -> Bools:
    """(len(rows),) the half of each class that is kept for a test, in seeded random order."""
    codes = given.codes
    order = np.lexsort((np.random.default_rng(seed).random(len(codes)), codes))
    kept = np.zeros(len(codes), bool)
    kept[order[(np.arange(len(codes)) - given.starts[codes]) % 2 == 1]] = True
    return kept


PROMPTS = ("{}", "a photo of a {}", "a photo of a {}.")


def prototypes(space: Space, names: tuple[str, ...]) -> tuple[Doubles, str] | None:
    """(K, d) the unit row that texts give each label, and which texts; None where one has none.

    Texts that are the label itself (or "a photo of a ...") come first; else the mean of the texts
    that carry the label or belong to a picture that does.
    """
    named = [_named(space, name) for name in names]
    if all(row is not None for row in named):
        return space.vectors[np.array(named, np.int64)].astype(np.float64), "texts that name them"
    found = classes(space, "text", least=1, most=space.n)
    place = {name: i for i, name in enumerate(found.names)}
    if not set(names) <= set(place):
        return None
    sums = class_totals(space, "text", found.names)[0][[place[name] for name in names]]
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    if not (lengths > 1e-9).all():
        return None
    return sums / lengths, "texts of their items"


def _named(space: Space, name: str) -> int | None:
    """Row of a text that says the label: an item's id is the digest of what it says."""
    ids = (digest("text", prompt.format(name).encode()) for prompt in PROMPTS)
    return next((space.row[id_] for id_ in ids if id_ in space.row), None)
