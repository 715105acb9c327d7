"""Sentences that short texts are put into before they are encoded.

Captions are sentences, so a word alone may lie off their place; the mean over several sentences
also takes out what each of them adds.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.types import Template

SHORT = 3  # words up to which a text is put into a sentence
TEMPLATES: Mapping[Template, tuple[str, ...]] = {
    "": ("{}",),
    "photo": ("a photo of a {}.",),
    "ensemble": ("{}", "a photo of a {}.", "a picture of {}."),
}


def filled(text: str, template: Template) -> tuple[str, ...]:
    """The texts whose mean unit vector stands for this one; itself when it is no short text.

    Source: Radford et al. Learning Transferable Visual Models From Natural Language Supervision.
    ICML 2021 (prompt ensembles); this short list was measured for this project.

    >>> filled("red bus", "ensemble")
    ('red bus', 'a photo of a red bus.', 'a picture of red bus.')
    >>> filled("a red bus in the rain", "ensemble")
    ('a red bus in the rain',)
    """
    if len(text.split()) > SHORT:
        return (text,)
    return tuple(sentence.replace("{}", text) for sentence in TEMPLATES[template])
