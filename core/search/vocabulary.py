"""Words that an encoder names groups of images with: a collection's labels, and everyday nouns."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from core.search.known_matches import everyday_nouns
from core.search.query.encode import text_vectors
from core.types import Floats, Part, Progress, Query, Space, digest

if TYPE_CHECKING:
    from core.store import EncodedCollection

MOST_LABELS = 1_000
AT_ONCE = 64  # words encoded between two reports
_AS = Query((Part("a word"),), kinds=("image",), template="photo")


def vocabulary(space: Space) -> tuple[tuple[str, ...], int]:
    """The words, and how many of them are labels of the collection, which come first.

    >>> words, labels = vocabulary(Space(np.eye(2, dtype="f4"), ("a", "b"), 2))
    >>> len(words), labels, "dog" in words
    (807, 0, True)
    """
    counts = Counter(chain.from_iterable(space.labels))
    labels = sorted(label for label, _ in counts.most_common(MOST_LABELS))
    known = {label.lower() for label in labels}
    return (*labels, *(noun for noun in everyday_nouns() if noun not in known)), len(labels)


def word_vectors(
    opened: EncodedCollection, *, encode: bool = False, progress: Progress | None = None
) -> Floats | None:
    """(w, d) unit rows of the vocabulary as "a photo of a ...", stored with the collection.

    Args:
        opened: the collection.
        encode: whether to encode what is not stored; else None then.
        progress: called with (words encoded, all).

    Raises:
        NoTextSearch: the encoder is not available.
        PassportMismatch: the encoder that is available would compute other vectors.
    """
    words, _ = vocabulary(opened.space)
    artifacts, key = opened.collection.artifacts, digest(opened.passport.key, opened.recipe, *words)
    vectors = artifacts.read_matrix("vocabulary", key)
    if vectors is None and encode:
        parts = []
        for at in range(0, len(words), AT_ONCE):
            if progress:
                progress(at, len(words))
            parts.append(text_vectors(opened, words[at : at + AT_ONCE], _AS))
        vectors = np.concatenate(parts)
        artifacts.write_matrix("vocabulary", key, vectors)
    return vectors
