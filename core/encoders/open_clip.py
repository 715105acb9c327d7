"""The one encoder for every OpenCLIP model, the bundled one included."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from core.encoders import backends, long_texts, token_vectors
from core.encoders.backends import Runner
from core.encoders.text_queue import TextQueue
from core.encoders.towers import Longer, Model, Tower
from core.errors import BadParameter, NoTokens
from core.types import Doubles, Floats, Passport, Tokens

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import nn


IMAGE_BATCH = 16
TEXT_BATCH = 64
FEW = 8  # texts that share a batch with those of other callers


class OpenClip:
    """Images and texts to unit rows of one OpenCLIP model.

    The two halves are loaded when first needed, each behind its own lock: a text query waits
    neither for the image half nor for images that are being encoded.
    """

    def __init__(self, model: Model, backend: str = "auto") -> None:
        if backend not in backends.BACKENDS:
            raise BadParameter("backend", backend, ", ".join(backends.BACKENDS))
        self._model = model
        self._backend = backend
        self._runners: dict[str, Runner] = {}
        self._longer: dict[str, Longer] = {}
        self._tower: nn.Module | None = None
        self._long_text = "windows" if model.context else ""
        halves = ("image", "text", "patches", "tokens", "layers", *long_texts.STRETCHED)
        self._locks = {half: RLock() for half in halves}
        self._queue = TextQueue(self._encode_texts)
        self._modes = {self._long_text: self}

    @property
    def name(self) -> str:
        """The name it is loaded by."""
        return self._model.name

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return self._model.d

    @property
    def passport(self) -> Passport:
        """How its vectors are computed; `backend` is the one in use, once something was encoded."""
        used = sorted({r.backend for r in (self._started("image"), self._started("text")) if r})
        return Passport(
            model=self._model.name,
            weights=self._model.weights,
            preprocessing=self._model.preprocessing,
            d=self._model.d,
            backend=" and ".join(used) or self._backend,
            version=self._model.version,
            long_text=self._long_text,
            configuration=self._model.configuration,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what differs from the request, such as another backend; usually empty."""
        return tuple(runner.note for runner in self._runners.values() if runner.note)

    def prepare(self, image: Image) -> Floats:
        """The model's preprocessing of one image: (3, h, w). Safe in decoding threads."""
        return self._model.prepare(image)

    def encode_prepared(self, pixels: Floats) -> Floats:
        """(n, d) unit rows of n prepared images."""
        rows = np.empty((len(pixels), self.d), np.float32)
        for start in range(0, len(pixels), IMAGE_BATCH):
            batch = np.ascontiguousarray(pixels[start : start + IMAGE_BATCH], np.float32)
            rows[start : start + len(batch)] = self._start("image", self._model.image)(batch)
        return rows

    def encode_images(self, images: Sequence[Image]) -> Floats:
        """(n, d) unit rows of n images."""
        rows = np.empty((len(images), self.d), np.float32)
        for start in range(0, len(images), IMAGE_BATCH):
            batch = np.stack([self.prepare(i) for i in images[start : start + IMAGE_BATCH]])
            rows[start : start + len(batch)] = self.encode_prepared(batch)
        return rows

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """(n, d) unit rows of n texts; a few are encoded with those of other callers."""
        return self._queue.rows(texts) if 0 < len(texts) <= FEW else self._encode_texts(texts)

    def _encode_texts(self, texts: Sequence[str]) -> Floats:
        """(n, d) unit rows of n texts; texts of similar length share a batch to save padding."""
        windows = [self._windows(text) for text in texts]
        pieces = [piece for window in windows for piece in window]
        rows = np.empty((len(pieces), self.d), np.float32)
        order = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))
        wide = set() if self._long_text in ("", "windows") else {*filter(self._is_long, pieces)}
        for long in (False, True):
            some = [i for i in order if (pieces[i] in wide) == long]
            for start in range(0, len(some), TEXT_BATCH):
                part = some[start : start + TEXT_BATCH]
                rows[part] = self._encode([pieces[i] for i in part], long)
        if len(pieces) == len(texts):
            return rows
        return long_texts.mean_rows(rows, np.repeat(np.arange(len(texts)), [*map(len, windows)]))

    def with_long_text(self, long_text: str) -> OpenClip:
        """The same loaded encoder with another mode for long texts.

        Raises:
            BadParameter: no such mode; see `long_texts`.
        """
        long_texts.check(long_text)
        if long_text == self._long_text or not self._model.context:
            return self
        with self._locks["text"]:
            if long_text not in self._modes:
                other = copy(self)
                other._long_text = long_text
                other._queue = TextQueue(other._encode_texts)
                self._modes[long_text] = other
            return self._modes[long_text]

    def long_text_note(self, text: str) -> str:
        """A sentence on how a text beyond the model's limit is encoded; "" within it."""
        if not self._is_long(text):
            return ""
        tokens, pieces = self._model.count(text), len(self._windows(text))
        return long_texts.note(tokens, self._model.context, pieces, self._long_text)

    def image_tokens(self, images: Sequence[Image]) -> list[Tokens]:
        """The patch tokens of each image; see `Encoder`."""
        if self._model.patch_tower is None:
            raise NoTokens(self.name)
        run = self._start("patches", self._model.patch_tower)
        return token_vectors.image_tokens(
            self._model, run, [self.prepare(image) for image in images]
        )

    def text_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """The text tokens of each text; see `Encoder`."""
        if self._model.patch_tower is None:
            raise NoTokens(self.name)
        if self._model.token_tower is None:
            return token_vectors.prompt_tokens(self.encode_texts, texts)
        run = self._start("tokens", self._model.token_tower)
        if not self._long_text:
            return token_vectors.text_tokens(self._model, run, texts)
        windows = [self._in_windows(text) for text in texts]
        parts = iter(
            token_vectors.text_tokens(self._model, run, [w for each in windows for w in each])
        )
        return [
            long_texts.join_tokens(
                [next(parts) for _ in each],
                exact=len(each) == 1 or self._long_text == "windows",
            )
            for each in windows
        ]

    def image_layers(self, pixels: Floats) -> tuple[list[Floats], Doubles]:
        """Means of each layer's output, and seconds until it is there; see `LayeredEncoder`."""
        from core.encoders import layers

        with self._locks["layers"]:
            if self._tower is None:
                self._model.image.verify()
                self._tower = self._model.image.build()
            return layers.outputs(self._tower, pixels)

    def _is_long(self, text: str) -> bool:
        """Whether a text has more tokens than the model's context length."""
        context = self._model.context
        # A token is at least one byte, plus a few at the ends: most texts need no counting.
        return len(text.encode("utf-8", "replace")) + 4 > context > 0 and (
            self._model.count(text) > context
        )

    def _windows(self, text: str) -> tuple[str, ...]:
        if not self._long_text:
            return (text,)
        if self._long_text == "windows" or not self._is_long(text):
            return self._in_windows(text)
        return self._in_windows(text, self._more().context)

    def _in_windows(self, text: str, context: int = 0) -> tuple[str, ...]:
        """A text in windows of `context` tokens; 0 is the model's context length."""
        if not self._is_long(text):
            return (text,)
        most = context or self._model.context
        return long_texts.windows(text, lambda t: self._model.count(t) <= most)

    def _encode(self, texts: Sequence[str], long: bool) -> Floats:
        """Rows of a batch of texts, by the half with enough positions."""
        if not long:
            return self._start("text", self._model.text)(self._model.tokenize(texts))
        more = self._more()
        return self._start(self._long_text, more.tower, "torch")(more.tokenize(texts))

    def _more(self) -> Longer:
        """The text half with more positions."""
        with self._locks[self._long_text]:
            if self._long_text not in self._longer and self._model.stretch is not None:
                self._longer[self._long_text] = self._model.stretch(self._long_text)
            return self._longer[self._long_text]

    def _start(self, half: str, tower: Tower, backend: str = "") -> Runner:
        """A half's runner, created once by the first thread."""
        with self._locks[half]:
            if half not in self._runners:
                self._runners[half] = backends.start(tower, backend or self._backend)
            return self._runners[half]

    def _started(self, half: str) -> Runner | None:
        return self._runners.get(half)
