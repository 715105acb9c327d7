"""Labelling: which labels suit a picture, and how far that can be trusted here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from core import search
from core.errors import InputError, TooFew
from core.search import LabelAnswer, LabelScores, LabelSet
from core.types import Part, Passport, Query, Space, per_space
from core.workbench.search import Searching


class Labelling(Searching):
    """The verbs about labels. `lines` are labels, as "animal > dog" where they lie in a tree."""

    def rank_labels(
        self,
        name: str,
        part: Part,
        lines: Sequence[str] | None = None,
        *,
        k: int = 10,
        encoder: str | None = None,
    ) -> LabelAnswer:
        """The labels that suit a picture or an item best; see `label_search.rank`.

        Args:
            name: the collection.
            part: the picture, item or text.
            lines: the labels; without, those of the collection.
            k: how many.
            encoder: which vectors; the collection's first without.

        Raises:
            InputError: there are no labels, or they cannot be read.
            NoTextSearch: the labels cannot be encoded.
        """
        space, passport = self.space(name, encoder), self.passport(name, encoder)
        given = None if lines is None else tuple(lines)
        labels = _label_set(space, passport, given)
        try:
            scale = _judged(space, passport, given).scale
        except TooFew:
            scale = search.DEFAULT_SCALE
        vector = search.query_vector(space, passport, Query((part,)))
        return search.rank_labels(labels, vector, k=k, scale=scale)

    def judge_labels(
        self, name: str, lines: Sequence[str] | None = None, encoder: str | None = None
    ) -> LabelScores:
        """How often the labels found are right, on labelled pictures; see `label_search.judge`.

        Raises:
            TooFew: too few pictures carry one of the labels.
        """
        space, passport = self.space(name, encoder), self.passport(name, encoder)
        return _judged(space, passport, None if lines is None else tuple(lines))


def _own(space: Space) -> search.LabelTree:
    """The collection's labels: names as they are, not lines of a tree."""
    found = sorted(set(chain.from_iterable(space.labels)))
    if not found:
        raise InputError(
            "This collection has no labels. Give a file with one label on each line, or ingest "
            "pictures with a column 'label'."
        )
    return search.flat_labels(found)


@per_space
def _label_set(space: Space, passport: Passport, lines: tuple[str, ...] | None) -> LabelSet:
    nodes = _own(space) if lines is None else search.label_tree(lines)
    prompts = [
        Query((Part(nodes.names[leaf]),), kinds=("image",), template="ensemble")
        for leaf in nodes.leaves
    ]
    return search.label_set(nodes, search.query_vectors(space, passport, prompts))


@per_space
def _judged(space: Space, passport: Passport, lines: tuple[str, ...] | None) -> LabelScores:
    return search.score_labels(space, _label_set(space, passport, lines))
