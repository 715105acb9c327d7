"""Texts beyond a model's context length: windows whose vectors are averaged, or more positions.

    windows      sentences, packed into as few windows as possible; the mean of their unit vectors
    stretch      the position table stretched fourfold after its first 20 rows
    interpolate  the whole position table stretched fourfold
    ""           truncation, for vectors stored before the other modes existed

Texts within the limit are encoded by the unchanged model in every mode.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from core.errors import BadParameter
from core.types import Floats, Ints, Tokens

MODES = ("windows", "stretch", "interpolate", "")
STRETCHED = ("stretch", "interpolate")
FIXED, FACTOR = 20, 4  # rows of the position table that stay, and the stretch of the others
SENTENCE = re.compile(r"(?<=[.!?\u2026])\s+|(?<=[\u3002\uff01\uff1f])|\n+")


def check(mode: str) -> None:
    """Reject an unknown mode.

    Raises:
        BadParameter: it is none of `MODES`.
    """
    if mode not in MODES:
        raise BadParameter("long text", mode, "windows, stretch, interpolate")


def windows(text: str, fits: Callable[[str], bool]) -> tuple[str, ...]:
    """A text in windows that fit, split between sentences where possible, else between words.

    >>> windows("A dog runs. It is brown. It barks.", lambda t: len(t.split()) <= 6)
    ('A dog runs. It is brown.', 'It barks.')
    >>> windows("one two three four", lambda t: len(t.split()) <= 3)
    ('one two three', 'four')
    """
    if fits(text):
        return (text,)
    result = [""]
    for piece in _pieces(text, fits):
        longer = f"{result[-1]} {piece}".strip()
        if fits(longer):
            result[-1] = longer
        else:
            result.append(piece)
    return tuple(filter(None, result))


def mean_rows(rows: Floats, owners: Ints) -> Floats:
    """(n, d) the normalized mean of each owner's unit rows; a single row is returned unchanged.

    >>> mean_rows(np.array([[1, 0], [0, 1], [0, 1]], np.float32), np.array([0, 1, 1])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    single = np.diff(np.append(first, len(owners))) == 1
    sums = np.add.reduceat(rows.astype(np.float64), first, axis=0)
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    result = (sums / lengths).astype(np.float32)
    result[single] = rows[first[single]]
    return result


def join_tokens(parts: Sequence[Tokens], *, exact: bool) -> Tokens:
    """The tokens of all windows of a text; their weighted sum is its vector when `exact`.

    >>> one = Tokens(np.float32([[1, 0]]), words=("a",), weights=np.float32([1]))
    >>> two = Tokens(np.float32([[0, 1]]), words=("b",), weights=np.float32([1]))
    >>> both = join_tokens([one, two], exact=True)
    >>> both.words, (both.weights @ both.vectors).astype(float).round(3).tolist()
    (('a', 'b'), [0.707, 0.707])
    """
    if len(parts) == 1 and exact:
        return parts[0]
    vectors = np.concatenate([part.vectors for part in parts])
    words = tuple(word for part in parts for word in part.words)
    if not exact or not all(part.additive for part in parts):
        return Tokens(vectors, words=words)
    weights = np.concatenate([part.weights for part in parts])
    length = max(float(np.linalg.norm(weights @ vectors)), 1e-12)
    return Tokens(vectors, words=words, weights=(weights / length).astype(np.float32))


def stretched(table: Floats, keep: int, factor: int = FACTOR) -> Floats:
    """A longer position table by linear interpolation between the trained rows.

    The first `keep` rows stay; after them each row becomes `factor` rows up to the next one, and
    the last step is extrapolated.

    Source: keep = 20: Zhang et al. Long-CLIP. ECCV 2024 (there with further training, here
    without); keep = 0: interpolation as in Zhu et al. LongEmbed. EMNLP 2024.

    >>> stretched(np.array([[0.0], [4.0], [8.0]], np.float32), 1).ravel().tolist()
    [0.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]
    """
    rows = np.concatenate([table, table[-1:] + (table[-1:] - table[-2:-1])]).astype(np.float64)
    steps = (np.arange(factor) / factor)[:, None]
    new = rows[keep:-1, None] * (1 - steps) + rows[keep + 1 :, None] * steps
    result: Floats = np.concatenate([rows[:keep], new.reshape(-1, table.shape[1])])
    return result.astype(np.float32)


def fixed_rows(mode: str, context: int) -> int:
    """Number of first rows of the position table that are not stretched."""
    return min(FIXED, context // 2) if mode == "stretch" else 0


def stretched_context(mode: str, context: int) -> int:
    """Context length with stretched positions.

    >>> stretched_context("stretch", 77), stretched_context("interpolate", 77)
    (248, 308)
    """
    return FACTOR * context - (FACTOR - 1) * fixed_rows(mode, context)


def note(tokens: int, context: int, windows: int, mode: str) -> str:
    """A sentence on how a text beyond the limit is encoded; "" within the limit.

    >>> note(154, 77, 3, "windows").partition(": ")[2]
    'it is encoded in 3 windows, whose vectors are averaged.'
    """
    if not context or tokens <= context:
        return ""
    times = f"The text is {tokens / context:.1f} times the encoder's limit of {context} tokens"
    if not mode:
        return f"{times}: only its first {context} tokens are encoded, as for the stored texts."
    positions = "" if mode == "windows" else " with stretched positions, which were not trained"
    whole = "in one piece" if windows == 1 else f"in {windows} windows, whose vectors are averaged"
    return f"{times}: it is encoded {whole}{positions}."


def _pieces(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Sentences; words of a sentence that does not fit; halves of a word that does not."""
    result: list[str] = []
    for piece in filter(str.strip, SENTENCE.split(text)):
        result += [piece] if fits(piece) else _words(piece.split(), fits)
    return result


def _words(words: Sequence[str], fits: Callable[[str], bool]) -> list[str]:
    result: list[str] = []
    for word in words:
        if fits(word) or len(word) == 1:
            result.append(word)
        else:
            half = len(word) // 2
            result += _words([word[:half], word[half:]], fits)
    return result
