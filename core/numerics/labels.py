"""Labels as classes: the rows of each label, their sums, and label prototypes from texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import TooFew
from core.types import KINDS, Bools, Doubles, Floats, Ints, Kind, Space, digest, per_space

BLOCK = 1024
EXACT_ROWS = 200_000  # up to here rows are summed in float64 throughout
FEW = 64  # classes in a block up to which a matrix product is faster than `reduceat`
PROMPTS = ("{}", "a photo of a {}", "a photo of a {}.")
HINT = "Add a column 'label' when ingesting."


@dataclass(frozen=True)
class LabelCodes:
    """One class for each row: `codes` (n,) index `names`, -1 for a row without a class."""

    names: tuple[str, ...]
    codes: Ints
    rule: str


@dataclass(frozen=True)
class Classes:
    """Rows of one kind, sorted by class: class i is rows[starts[i] : starts[i + 1]].

    `of` is the number of rows of the kind, `rule` how a row gets its class.
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
    """The class of every row: its only label, or the first where most labeled rows have several.

    A text without a label gets its image's.

    >>> rows = np.eye(3, dtype=np.float32)
    >>> labels = (("a",), ("b",), ())
    >>> coded = label_codes(Space(rows, ("i", "j", "t"), 2, np.array([[1, 2]]), labels))
    >>> coded.names, coded.codes.tolist()
    (('a', 'b'), [0, 1, 1])
    """
    codes = np.full(space.n, -1, np.int64)
    if not space.labels:
        return LabelCodes((), codes, "by their only label")
    sizes = np.fromiter(map(len, space.labels), np.int64, space.n)
    several = int((sizes > 1).sum()) > int((sizes == 1).sum())
    counted = np.flatnonzero(sizes >= 1 if several else sizes == 1)
    labels = [space.labels[row][0] for row in counted]
    names = tuple(sorted(set(labels)))
    code_of = {name: i for i, name in enumerate(names)}
    codes[counted] = np.fromiter(map(code_of.__getitem__, labels), np.int64, len(labels))
    if len(space.pairs):
        image, text = space.pairs[::-1].T  # the first pair is written last, so that it counts
        inherits = (sizes[text] == 0) & (codes[image] >= 0)
        codes[text[inherits]] = codes[image[inherits]]
    rule = "by the first of their labels" if several else "by their only label"
    return LabelCodes(names, codes, rule)


def classes(space: Space, kind: Kind, *, least: int, most: int = 2000) -> Classes:
    """The labels with at least `least` rows of a kind, by name; the `most` largest at most."""
    coded = label_codes(space)
    codes = coded.codes[space.span(kind)]
    sizes = np.bincount(codes[codes >= 0], minlength=len(coded.names))
    large = np.flatnonzero(sizes >= least)
    large = np.sort(large[np.argsort(-sizes[large], kind="stable")[:most]])
    return _sorted_by_class(space, kind, large)


def labeled_classes(
    space: Space, what: str, *, least: int, most: int = 2000
) -> tuple[Classes, ...]:
    """The classes of images and of texts, where there are two or more.

    Raises:
        TooFew: no two labels have `least` items of one kind.
    """
    each = [classes(space, kind, least=least, most=most) for kind in KINDS]
    enough = tuple(c for c in each if len(c.names) > 1)
    if not enough:
        needed = f"labels with {least} or more items of one kind"
        raise TooFew(what, 2, needed, max(len(c.names) for c in each), HINT)
    return enough


def class_sums(vectors: Floats, given: Classes) -> tuple[Doubles, Doubles]:
    """Sum of the rows (K, d) and of their squared lengths (K,), in float64.

    Within a block sums are float32 when there are more than `EXACT_ROWS` rows.
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
        if len(first) <= FEW:
            sums[code[first]] += (code == code[first][:, None]).astype(rows.dtype) @ rows
        else:
            sums[code[first]] += np.add.reduceat(rows, first, axis=0)
        squares[code[first]] += np.add.reduceat(np.einsum("ij,ij->i", rows, rows), first)
    return sums, squares


@per_space
def class_totals(space: Space, kind: Kind, names: tuple[str, ...]) -> tuple[Doubles, Doubles]:
    """`class_sums` of all rows of the named classes of a kind, computed once per space."""
    code_of = {name: i for i, name in enumerate(label_codes(space).names)}
    codes = np.array([code_of[name] for name in names], np.int64)
    return class_sums(space.vectors, _sorted_by_class(space, kind, codes))


def member_matrix(space: Space, rows: Ints) -> tuple[tuple[str, ...], Ints, Ints]:
    """All labels of some rows: names, and for each label of a row its place in `rows` and name."""
    tuples = [space.labels[row] for row in rows] if space.labels else []
    names = tuple(sorted({name for labels in tuples for name in labels}))
    code_of = {name: i for i, name in enumerate(names)}
    sizes = np.fromiter(map(len, tuples), np.int64, len(tuples))
    flat = np.fromiter((code_of[n] for labels in tuples for n in labels), np.int64, sizes.sum())
    return names, np.repeat(np.arange(len(tuples)), sizes), flat


def part_of(given: Classes, mask: Bools) -> Classes:
    """The same classes with only some of their rows."""
    starts = np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)[given.starts]
    return Classes(given.kind, given.names, given.rows[mask], starts, given.of, given.rule)


def split(given: Classes, seed: int = 0) -> Bools:
    """(len(rows),) mask of the held-out half of each class, seeded."""
    codes = given.codes
    order = np.lexsort((np.random.default_rng(seed).random(len(codes)), codes))
    held_out = np.zeros(len(codes), bool)
    held_out[order[(np.arange(len(codes)) - given.starts[codes]) % 2 == 1]] = True
    return held_out


def prototypes(space: Space, names: tuple[str, ...]) -> tuple[Doubles, str] | None:
    """(K, d) a unit row for each label from texts, and which texts; None where a label has none.

    Texts equal to the label (or to "a photo of a ...") come first; else the mean of the texts that
    carry the label or belong to an image that does.
    """
    rows = [_label_text(space, name) for name in names]
    if all(row is not None for row in rows):
        return space.vectors[np.array(rows, np.int64)].astype(np.float64), "texts that name them"
    given = classes(space, "text", least=1, most=space.n)
    place = {name: i for i, name in enumerate(given.names)}
    if not set(names) <= set(place):
        return None
    sums = class_totals(space, "text", given.names)[0][[place[name] for name in names]]
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    if not (lengths > 1e-9).all():
        return None
    return sums / lengths, "texts of their items"


def _sorted_by_class(space: Space, kind: Kind, labels: Ints) -> Classes:
    """The classes of some labels, given by their codes in ascending order."""
    coded = label_codes(space)
    span = space.span(kind)
    codes = coded.codes[span]
    renumbered = np.full(len(coded.names) + 1, -1, np.int64)  # the last place is for code -1
    renumbered[labels] = np.arange(len(labels))
    code = renumbered[codes]
    rows = np.flatnonzero(code >= 0)
    order = np.argsort(code[rows], kind="stable")
    sizes = np.bincount(code[rows], minlength=len(labels))
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    names = tuple(coded.names[i] for i in labels)
    return Classes(kind, names, rows[order] + span.start, starts, len(codes), coded.rule)


def _label_text(space: Space, name: str) -> int | None:
    """Row of a text equal to the label: an item's id is the digest of its content."""
    ids = (digest("text", prompt.format(name).encode()) for prompt in PROMPTS)
    return next((space.row[id_] for id_ in ids if id_ in space.row), None)
