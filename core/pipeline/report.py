"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.types import Refusal


@dataclass
class Report:
    """What a run did. `repeated` names what was already there, `refused` what was not taken."""

    collection: str
    images: int = 0
    texts: int = 0
    repeated: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    encoded: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The document that `sextant ingest --json` prints."""
        return {
            "collection": self.collection,
            "added": {"image": self.images, "text": self.texts},
            "repeated": self.repeated,
            "refused": [{"name": r.name, "reason": r.reason} for r in self.refused],
            "encoded": self.encoded,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
        }
