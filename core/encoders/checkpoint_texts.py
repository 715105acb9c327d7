"""The text side of an OpenCLIP checkpoint: token numbers, their count, and longer positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders import long_texts
from core.encoders.towers import Longer, Tower
from core.types import Floats, Ints

if TYPE_CHECKING:
    from torch import nn

EXAMPLES = ("dog", "a photo of a red bus", "two children run along the beach after a ball")


def tower(key: str, half: nn.Module, example: Floats | Ints, shape: tuple[int, ...]) -> Tower:
    """A half that is built already."""
    return Tower(key[:24], lambda: None, lambda: half, lambda: example, shape)


def tokenizing(module: Any, tokenizer: Any) -> tuple[Callable[[Sequence[str]], Ints], bool]:
    """Texts to token numbers, and whether their length may vary.

    A text tower from Hugging Face masks its padding, so padding that no text of the batch needs is
    cut off: most of the work on short texts. OpenCLIP's own towers want one fixed length.
    """
    pad = getattr(getattr(getattr(module, "text", None), "config", None), "pad_token_id", None)

    def tokenize(texts: Sequence[str]) -> Ints:
        tokens: Ints = tokenizer(list(texts)).numpy().astype(np.int64)
        if pad is None:
            return tokens
        used = np.flatnonzero((tokens != pad).any(axis=0))
        return tokens[:, : used[-1] + 1 if len(used) else 1]

    return tokenize, pad is not None


def counting(tokenizer: Any) -> Callable[[str], int]:
    """Tokens of a text with the two at its ends, nothing cut off."""
    foreign = getattr(tokenizer, "tokenizer", None)

    def count(text: str) -> int:
        if foreign is None:
            return len(tokenizer.encode(text)) + 2
        return len(foreign(tokenizer.clean_fn(text), verbose=False).input_ids)

    return count


def stretching(module: Any, tokenizer: Any) -> Callable[[str], Longer]:
    """The text half with stretched positions; see `long_texts`."""

    def longer(mode: str) -> Longer:
        from core.encoders.modules import TextHalf
        from core.encoders.stretched import stretch

        length = int(tokenizer.context_length)
        context = long_texts.longer(mode, length)
        half = stretch(TextHalf(module), length, mode)

        def tokenize(texts: Sequence[str]) -> Ints:
            found: Ints = tokenizer(list(texts), context_length=context).numpy().astype(np.int64)
            return found

        return Longer(
            tower(f"text-{mode}", half, tokenize(EXAMPLES), (-1, context)), tokenize, context
        )

    return longer
