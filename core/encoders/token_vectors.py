"""From a model's patch and text token rows to `Tokens`: unit vectors, words, and weights."""

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


def image_tokens(model: Model, run: Runner, pixels: Sequence[Floats]) -> list[Tokens]:
    """Patch tokens of prepared images."""
    result = []
    for start in range(0, len(pixels), BATCH):
        batch = np.stack(pixels[start : start + BATCH])
        result += [additive_tokens(rows, model.grid) for rows in run(batch)]
    if model.additive:
        return result
    return [Tokens(t.vectors, t.grid, view=model.view) for t in result]


def text_tokens(model: Model, run: Runner, texts: Sequence[str]) -> list[Tokens]:
    """Text tokens of texts whose row is the mean of their subword rows, summed over each word."""
    if model.words is None or not texts:
        return []
    result: list[Tokens] = []
    for start in range(0, len(texts), BATCH):
        part = texts[start : start + BATCH]
        rows = run(model.tokenize(part))
        for (words, of), row in zip(model.words(part), rows, strict=True):
            sums = np.zeros((len(words) + 1, row.shape[1]), np.float32)
            np.add.at(sums, of, row[: len(of)])  # -1, no word, is the last
            result.append(additive_tokens(sums, words=(*words, "")))
    return result


def prompt_tokens(encode: Callable[[Sequence[str]], Floats], texts: Sequence[str]) -> list[Tokens]:
    """Text tokens from one prompt for each content word.

    For towers that train one position of the text only: their rows for a word in its sentence are
    not in the joint space.
    """
    words_of = [content_words(text) or ("",) for text in texts]
    distinct = list(dict.fromkeys(word for words in words_of for word in words))
    encoded = encode([PROMPT.format(w) if w else "" for w in distinct])
    rows = dict(zip(distinct, encoded, strict=True))
    return [Tokens(np.stack([rows[w] for w in words]), words=words) for words in words_of]


def content_words(text: str) -> tuple[str, ...]:
    """The content words of a text in lower case; all words where there are none.

    >>> content_words("A man's dog, on the beach"), content_words("to be"), content_words("?")
    (("man's", 'dog', 'beach'), ('to', 'be'), ())
    """
    words = tuple(word.lower() for word in WORD.findall(text))
    return tuple(word for word in words if is_content_word(word)) or words
