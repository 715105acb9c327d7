"""Texts longer than a model reads at once: windows whose vectors are averaged, or more positions.

    windows      sentences, packed into as few windows as hold them; the mean of their unit vectors
    stretch      the position table made four times as long behind its first 20 rows
    interpolate  the whole position table made four times as long
    ""           what is beyond the limit is left out: vectors that were made before there was more

What fits is read by the model as it is, in every mode.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from core.errors import BadParameter
from core.types import Floats, Ints, Tokens

MODES = ("windows", "stretch", "interpolate", "")
LONGER = ("stretch", "interpolate")
KEPT, FACTOR = 20, 4
SENTENCE = re.compile(r"(?<=[.!?\u2026])\s+|(?<=[\u3002\uff01\uff1f])|\n+")


def check(mode: str) -> None:
    """Refuse a mode that is not here.

    Raises:
        BadParameter: it is none of `MODES`.
    """
    if mode not in MODES:
        raise BadParameter("long text", mode, "windows, stretch, interpolate")


def windows(text: str, fits: Callable[[str], bool]) -> tuple[str, ...]:
    """A text in pieces that fit, cut between sentences where that is possible, else between words.

    >>> windows("A dog runs. It is brown. It barks.", lambda t: len(t.split()) <= 6)
    ('A dog runs. It is brown.', 'It barks.')
    >>> windows("one two three four", lambda t: len(t.split()) <= 3)
    ('one two three', 'four')
    """
    if fits(text):
        return (text,)
    found = [""]
    for piece in _pieces(text, fits):
        longer = f"{found[-1]} {piece}".strip()
        if fits(longer):
            found[-1] = longer
        else:
            found.append(piece)
    return tuple(filter(None, found))


def pooled(rows: Floats, owners: Ints) -> Floats:
    """(n, d) the mean of each owner's unit rows, of length 1; a single row stays as it is.

    >>> pooled(np.array([[1, 0], [0, 1], [0, 1]], np.float32), np.array([0, 1, 1])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    single = np.diff(np.append(first, len(owners))) == 1
    sums = np.add.reduceat(rows.astype(np.float64), first, axis=0)
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    result = (sums / lengths).astype(np.float32)
    result[single] = rows[first[single]]
    return result


def joined(parts: Sequence[Tokens], *, exact: bool) -> Tokens:
    """The words of all windows of a text; they add up to it when `exact`.

    >>> one = Tokens(np.float32([[1, 0]]), words=("a",), weights=np.float32([1]))
    >>> two = Tokens(np.float32([[0, 1]]), words=("b",), weights=np.float32([1]))
    >>> both = joined([one, two], exact=True)
    >>> both.words, (both.weights @ both.vectors).astype(float).round(3).tolist()
    (('a', 'b'), [0.707, 0.707])
    """
    if len(parts) == 1 and exact:
        return parts[0]
    vectors = np.concatenate([part.vectors for part in parts])
    said = tuple(word for part in parts for word in part.words)
    if not exact or not all(part.additive for part in parts):
        return Tokens(vectors, words=said)
    weights = np.concatenate([part.weights for part in parts])
    length = max(float(np.linalg.norm(weights @ vectors)), 1e-12)
    return Tokens(vectors, words=said, weights=(weights / length).astype(np.float32))


def stretched(table: Floats, keep: int, factor: int = FACTOR) -> Floats:
    """A position table made longer: rows in equal steps between those that were learnt.

    The first `keep` rows stay; behind them each row becomes `factor` rows on the way to the next
    one, and the way behind the last row goes on as it came.

    Source: keep = 20: Zhang et al. Long-CLIP. ECCV 2024 (there trained further, here not); keep =
    0: interpolation as in Zhu et al. LongEmbed. EMNLP 2024.

    >>> stretched(np.array([[0.0], [4.0], [8.0]], np.float32), 1).ravel().tolist()
    [0.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]
    """
    rows = np.concatenate([table, table[-1:] + (table[-1:] - table[-2:-1])]).astype(np.float64)
    steps = (np.arange(factor) / factor)[:, None]
    new = rows[keep:-1, None] * (1 - steps) + rows[keep + 1 :, None] * steps
    result: Floats = np.concatenate([rows[:keep], new.reshape(-1, table.shape[1])])
    return result.astype(np.float32)


def kept(mode: str, context: int) -> int:
    """Rows of the position table that stay as they are."""
    return min(KEPT, context // 2) if mode == "stretch" else 0


def longer(mode: str, context: int) -> int:
    """Tokens that are read at once when the positions are stretched.

    >>> longer("stretch", 77), longer("interpolate", 77)
    (248, 308)
    """
    return FACTOR * context - (FACTOR - 1) * kept(mode, context)


def sentence(tokens: int, context: int, pieces: int, mode: str) -> str:
    """How a text that is too long was read; "" when it was not."""
    if not context or tokens <= context:
        return ""
    times = f"The text is {tokens / context:.1f} times as long as the encoder reads at once"
    if not mode:
        return (
            f"{times}: only its first {context} tokens are read, because the stored texts were "
            "read so too."
        )
    positions = "" if mode == "windows" else " with longer positions, which it was not trained on"
    count = "in one piece" if pieces == 1 else f"in {pieces} windows, whose vectors are averaged"
    return f"{times}: it is read {count}{positions}."


def _pieces(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Sentences; words of a sentence that does not fit; halves of a word that does not."""
    found: list[str] = []
    for piece in filter(str.strip, SENTENCE.split(text)):
        found += [piece] if fits(piece) else _words(piece.split(), fits)
    return found


def _words(words: Sequence[str], fits: Callable[[str], bool]) -> list[str]:
    found: list[str] = []
    for word in words:
        if fits(word) or len(word) == 1:
            found.append(word)
        else:
            half = len(word) // 2
            found += _words([word[:half], word[half:]], fits)
    return found
