"""Images and texts to unit rows, with a passport."""

from core.encoders.backends import BACKENDS
from core.encoders.encoder import (
    Encoder,
    LayeredEncoder,
    load,
    long_text_note,
    warm,
    with_long_text,
)
from core.encoders.hub import SUGGESTIONS, Suggestion, folder_of, reachable
from core.encoders.steps import Step, finish, preparing
from core.encoders.token_vectors import PROMPT

__all__ = [
    "BACKENDS",
    "PROMPT",
    "SUGGESTIONS",
    "Encoder",
    "LayeredEncoder",
    "Step",
    "Suggestion",
    "finish",
    "folder_of",
    "load",
    "long_text_note",
    "preparing",
    "reachable",
    "warm",
    "with_long_text",
]
