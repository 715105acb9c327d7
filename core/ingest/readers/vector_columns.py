"""Which columns of a table are vectors, and of what."""

from __future__ import annotations

import re
from typing import Any, Literal, TypeAlias

from core.types import Kind

_WORDS = {"vector", "vectors", "embedding", "embeddings", "embed", "embeds", "emb", "embs",
          "feature", "features", "feat", "feats"}  # fmt: skip
_OF_IMAGES = {"image", "images", "img", "imgs", "visual", "vision", "photo", "pixel"}
_OF_TEXTS = {"text", "texts", "txt", "caption", "captions", "title", "sentence", "query"}

Of: TypeAlias = Kind | Literal[""]  # "": nothing says it


def names_vectors(column: str) -> bool:
    """Whether a column is named like vectors.

    >>> [names_vectors(c) for c in ("clip_embedding", "imageEmbeddings", "vector", "member")]
    [True, True, True, False]
    """
    return not _WORDS.isdisjoint(_words(column))


def kind_named(name: str) -> Of:
    """What a column or file of vectors is of, by its name; "" when it does not say.

    >>> kind_named("text_emb"), kind_named("imageFeatures"), kind_named("embedding")
    ('text', 'image', '')
    """
    words = _words(name)
    if not words.isdisjoint(_OF_TEXTS):
        return "" if not words.isdisjoint(_OF_IMAGES) else "text"
    return "" if words.isdisjoint(_OF_IMAGES) else "image"


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name)}


def vector_columns(schema: Any) -> list[str]:
    """The columns of an Arrow schema that may be vectors: lists of numbers named like them.

    A column named `vector` is one of them whatever it contains, so that a wrong one is reported.
    """
    return [
        field.name
        for field in schema
        if field.name == "vector" or (names_vectors(field.name) and is_numbers(field.type))
    ]


def is_numbers(kind: Any) -> bool:
    """Whether values of an Arrow type are lists of numbers."""
    from pyarrow import types

    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return lists and (types.is_floating(kind.value_type) or types.is_integer(kind.value_type))
