"""From a model's rows for places and word pieces to `Tokens`: whole words, unit vectors, shares."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from core.encoders.backends import Runner
from core.encoders.towers import Model
from core.types import Floats, Tokens, additive_tokens, is_content_word

PROMPT = "a photo of a {}"
WORD = re.compile(r"\w+(?:['’-]\w+)*")
BATCH = 16


def of_pictures(model: Model, run: Runner, pixels: Sequence[Floats]) -> list[Tokens]:
    """Tokens of prepared pictures."""
    found = []
    for start in range(0, len(pixels), BATCH):
        batch = np.stack(pixels[start : start + BATCH])
        found += [additive_tokens(rows, model.grid) for rows in run(batch)]
    if model.additive:
        return found
    return [Tokens(t.vectors, t.grid, view=model.view) for t in found]


def of_texts(model: Model, run: Runner, texts: Sequence[str]) -> list[Tokens]:
    """Tokens of texts whose row is the mean of their pieces: the pieces of a word together."""
    if model.words is None or not texts:
        return []
    found: list[Tokens] = []
    for start in range(0, len(texts), BATCH):
        part = texts[start : start + BATCH]
        rows = run(model.tokenize(part))
        for (words, of), row in zip(model.words(part), rows, strict=True):
            parts = np.zeros((len(words) + 1, row.shape[1]), np.float32)
            np.add.at(parts, of, row[: len(of)])  # -1, of no word, is the last
            found.append(additive_tokens(parts, words=(*words, "")))
    return found


def of_prompts(encode: Callable[[Sequence[str]], Floats], texts: Sequence[str]) -> list[Tokens]:
    """Tokens of texts by one short text for each word that shows something.

    For towers that train one position of the text only: what they give for a word in its sentence
    is not in the joint space.
    """
    said = [content_words(text) or ("",) for text in texts]
    each = list(dict.fromkeys(word for words in said for word in words))
    rows = dict(zip(each, encode([PROMPT.format(w) if w else "" for w in each]), strict=True))
    return [Tokens(np.stack([rows[w] for w in words]), words=words) for words in said]


def content_words(text: str) -> tuple[str, ...]:
    """The words of a text that show something; all of them where none does.

    >>> content_words("A man's dog, on the beach"), content_words("to be"), content_words("?")
    (("man's", 'dog', 'beach'), ('to', 'be'), ())
    """
    words = tuple(word.lower() for word in WORD.findall(text))
    return tuple(w for w in words if is_content_word(w)) or words
