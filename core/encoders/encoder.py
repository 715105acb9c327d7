"""Encoders: images and texts to unit rows of one space. Loaded by name, once per process.

    starter                  the bundled encoder; needs no network
    toy                      colors and color words; values can be checked by eye
    MODEL/PRETRAINED         any pair that OpenCLIP lists
    hf-hub:OWNER/MODEL       an OpenCLIP model on the Hugging Face hub
    local-dir:FOLDER, FOLDER an OpenCLIP model in a folder (open_clip_config.json and weights)

Importing this module loads neither torch nor OpenCLIP.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from core.encoders.backends import BACKENDS
from core.errors import BadParameter
from core.types import Doubles, Floats, Passport, Tokens

if TYPE_CHECKING:
    from PIL.Image import Image


class Encoder(Protocol):
    """Computes vectors. Rows do not depend on their batch; calls may come from any thread."""

    @property
    def name(self) -> str:
        """The name it is loaded by."""
        ...

    @property
    def d(self) -> int:
        """Number of dimensions."""
        ...

    @property
    def passport(self) -> Passport:
        """How its vectors are computed."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what differs from the request, such as another backend; usually empty."""
        ...

    def prepare(self, image: Image) -> Floats:
        """The model's preprocessing of one RGB image; safe in decoding threads."""
        ...

    def encode_prepared(self, pixels: Floats) -> Floats:
        """(n, d) unit rows of n prepared images."""
        ...

    def encode_images(self, images: Sequence[Image]) -> Floats:
        """(n, d) unit rows of n RGB images."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """(n, d) unit rows of n texts."""
        ...

    def image_tokens(self, images: Sequence[Image]) -> list[Tokens]:
        """Each image's patch tokens, in the joint space.

        Raises:
            NoTokens: the model has none.
        """
        ...

    def text_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Each text's text tokens, in the joint space.

        Raises:
            NoTokens: there are no patch tokens to compare them with.
        """
        ...


@runtime_checkable
class LongTextReader(Protocol):
    """An encoder with a choice of mode for texts beyond its model's context length."""

    def with_long_text(self, long_text: str) -> Encoder:
        """The same encoder with another mode; see `long_texts`."""
        ...

    def long_text_note(self, text: str) -> str:
        """A sentence on how a text beyond the limit is encoded; "" within it."""
        ...


@runtime_checkable
class LayeredEncoder(Protocol):
    """An encoder whose image half shows what its layers give."""

    def image_layers(self, pixels: Floats) -> tuple[list[Floats], Doubles]:
        """(n, c) means of each layer's output over its positions, and seconds until it is there.

        No layer where the half has no list of them.
        """
        ...


_LOADED: dict[tuple[str, str], Encoder] = {}
_LOCK = Lock()
_LOADING: defaultdict[tuple[str, str], Lock] = defaultdict(Lock)


def load(name: str, backend: str = "auto") -> Encoder:
    """The encoder of that name, loaded once per process and shared by all threads.

    Args:
        name: One of the forms above.
        backend: "torch", "openvino" (on a CPU), or "auto": the faster one on this machine. On first
            use that is torch until OpenVINO is prepared in the background; see `preparing`.

    Raises:
        UnknownName: nothing has that name.
        BadParameter: no such backend.
        InputError: the folder holds no OpenCLIP model.
        MissingPart: weights or a package are absent.
    """
    key = (name.strip(), backend)
    if backend not in BACKENDS:
        raise BadParameter("backend", backend, ", ".join(BACKENDS))
    # One lock per name: loading the starter does not wait for a large checkpoint.
    with _LOCK:
        loading = _LOADING[key]
    with loading:
        if key not in _LOADED:
            _LOADED[key] = _make(*key)
        return _LOADED[key]


def with_long_text(encoder: Encoder, long_text: str) -> Encoder:
    """The encoder with the mode for long texts of a passport; see `long_texts`."""
    return encoder.with_long_text(long_text) if isinstance(encoder, LongTextReader) else encoder


def long_text_note(encoder: Encoder, text: str) -> str:
    """A sentence on how a text beyond the encoder's limit is encoded; "" within it."""
    return encoder.long_text_note(text) if isinstance(encoder, LongTextReader) else ""


def warm(name: str) -> None:
    """Load both halves of an encoder in advance."""
    from PIL import Image

    encoder = load(name)
    encoder.encode_texts(["warm"])
    encoder.encode_images([Image.new("RGB", (8, 8))])


def _make(name: str, backend: str) -> Encoder:
    if name == "toy":
        from core.encoders.toy import Toy

        return Toy()
    from core.encoders.open_clip import OpenClip

    if name == "starter":
        from core.encoders import starter

        return OpenClip(starter.model(), backend)
    from core.encoders import checkpoints

    return OpenClip(checkpoints.model(name), backend)
