"""What was found, and of which sample; as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from core.ingest.transforms import TRANSFORMS
from core.types import Curve, Finding, Reference, Space

TEXTS = "texts"
STAGES = (*TRANSFORMS, TEXTS)  # done one after the other, and kept one by one


@dataclass
class EncoderReport:
    """What probes found so far; every finished stage stays when the rest is interrupted.

    Args:
        encoder: its name.
        sample: identity of what it was tried on.
        of: pictures the collection had.
        asked: pictures drawn from those.
        ids: those that could be read: the order of every finding's `per_item`.
        left_out: (name, reason) of the others.
        done: finished stages: names of changes, "texts".
        findings: in the order they were made.
        lacks: why a probe could not be run, by its name.
        made: when, seconds since 1970.
        rate: pictures encoded a second.
        stale: the collection has changed since.
    """

    encoder: str
    sample: str
    of: int = 0
    asked: int = 0
    ids: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lacks: dict[str, str] = field(default_factory=dict)
    made: float = 0.0
    rate: float = 0.0
    stale: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return set(STAGES) <= set(self.done)

    def of_probe(self, name: str, space: Space) -> tuple[Finding, ...]:
        """One probe's findings, their values for single items moved to the rows of a space."""
        mine = (f for f in self.findings if f.name.partition(":")[0] == name)
        return tuple(self._moved(f, space) for f in mine)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**plain, "findings": [_plain(f) for f in self.findings]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> EncoderReport:
        """The inverse of `to_dict`."""
        left_out = [(name, reason) for name, reason in plain["left_out"]]
        findings = [_finding(f) for f in plain["findings"]]
        return cls(**{**plain, "left_out": left_out, "findings": findings})

    def _moved(self, finding: Finding, space: Space) -> Finding:
        if finding.per_item is None:
            return finding
        values = np.full(space.n, np.nan, np.float32)
        known = [(space.row[i], v) for i, v in zip(self.ids, finding.per_item, strict=True)
                 if i in space.row]  # fmt: skip
        for row, value in known:
            values[row] = value
        return replace(finding, per_item=values if known else None)


def _plain(finding: Finding) -> dict[str, Any]:
    values = asdict(finding)
    if finding.per_item is not None:
        values["per_item"] = finding.per_item.tolist()
    if finding.curve is not None:
        values["curve"] |= {"x": finding.curve.x.tolist(), "y": finding.curve.y.tolist()}
    return values


def _finding(plain: Mapping[str, Any]) -> Finding:
    values = dict(plain, reference=Reference(**plain["reference"]))
    if plain["per_item"] is not None:
        values["per_item"] = np.array(plain["per_item"], np.float32)
    if plain["curve"] is not None:
        line = plain["curve"]
        values["curve"] = Curve(**{**line, "x": np.array(line["x"]), "y": np.array(line["y"])})
    return Finding(**values)
