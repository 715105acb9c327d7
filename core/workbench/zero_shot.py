"""Zero-shot labels: which labels fit an image, and how reliable that is here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from core import search
from core.errors import InputError, TooFew
from core.search import LabelRanking, LabelScores, LabelSet
from core.types import Part, Query, Space, SpaceCache

if TYPE_CHECKING:
    from core.store import EncodedCollection

Lines = tuple[str, ...] | None
_SETS, _SCORES = SpaceCache(16), SpaceCache(16)


def rank_labels(
    opened: EncodedCollection, part: Part, lines: Sequence[str] | None = None, *, k: int = 10
) -> LabelRanking:
    """The labels that fit an image, item or text best; see `core.search.zero_shot`.

    Args:
        opened: the collection.
        part: the image, item or text.
        lines: the labels, as "animal > dog" where they form a tree; without, the collection's.
        k: how many.

    Raises:
        InputError: there are no labels, or they cannot be read.
        NoTextSearch: the labels cannot be encoded.
    """
    given = None if lines is None else tuple(lines)
    labels = _label_set(opened, given)
    try:
        scale = _scores(opened, given).scale
    except TooFew:
        scale = search.DEFAULT_SCALE
    vector = search.encode(opened, [Query((part,))])[0]
    return search.rank_labels(labels, vector, k=k, scale=scale)


def score_labels(opened: EncodedCollection, lines: Sequence[str] | None = None) -> LabelScores:
    """Zero-shot accuracy on the collection's labeled images; see `core.search.zero_shot`.

    Raises:
        TooFew: too few images carry one of the labels.
    """
    return _scores(opened, None if lines is None else tuple(lines))


def own_label_set(opened: EncodedCollection) -> LabelSet:
    """The collection's labels with the vectors of their texts, encoded once.

    Raises:
        InputError: the collection has no labels.
        NoTextSearch: the labels cannot be encoded.
    """
    return _label_set(opened, None)


def _own_labels(space: Space) -> search.LabelTree:
    """The collection's labels, flat."""
    labels = sorted(set(chain.from_iterable(space.labels)))
    if not labels:
        raise InputError(
            "This collection has no labels. Give a file with one label on each line, or ingest "
            "images with a column 'label'."
        )
    return search.flat_labels(labels)


def _label_set(opened: EncodedCollection, lines: Lines) -> LabelSet:
    return _SETS.get((opened.space.key, opened.passport, lines), lambda: _encoded(opened, lines))


def _encoded(opened: EncodedCollection, lines: Lines) -> LabelSet:
    tree = _own_labels(opened.space) if lines is None else search.label_tree(lines)
    prompts = [
        Query((Part(tree.names[leaf]),), kinds=("image",), template="ensemble")
        for leaf in tree.leaves
    ]
    return search.label_set(tree, search.encode(opened, prompts))


def _scores(opened: EncodedCollection, lines: Lines) -> LabelScores:
    key = (opened.space.key, opened.passport, lines)
    return _SCORES.get(key, lambda: search.score_labels(opened.space, _label_set(opened, lines)))
