"""A recipe: repairs fitted one after another, for rows and queries alike, and a hub correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import BadParameter, InputError
from core.improve.fitting import report_progress
from core.improve.hub_bias import corrected
from core.improve.hub_corrections import HUB_CORRECTIONS
from core.improve.repairs import REPAIRS, FittedRepair, RowMap
from core.registry import Registry
from core.types import KINDS, Bools, Floats, Kind, Space

NONE = "none"
STAYS = "every vector stays as it is"
SAME = 1e-5  # difference of two matrices by rounding
TURNS = "all vectors are turned alike, which keeps every cosine"


@dataclass(frozen=True)
class Step:
    """A repair or a hub correction by name, with the settings that differ from its defaults."""

    name: str
    settings: Mapping[str, Any]

    def __str__(self) -> str:
        settings = (
            f"{k}={v if isinstance(v, str) else f'{v:g}'}" for k, v in self.settings.items()
        )
        return ":".join([self.name, *settings])


@dataclass(frozen=True)
class Recipe:
    """Fitted repairs in order, and a hub correction, which is the last step.

    Args:
        steps: what it consists of.
        fitted: the repairs, one for each step but a hub correction.
    """

    steps: tuple[Step, ...]
    fitted: tuple[FittedRepair, ...]

    @property
    def hub_correction(self) -> Step | None:
        """The last step, where it is a hub correction."""
        last = self.steps[-1] if self.steps else None
        return last if last and last.name in HUB_CORRECTIONS.all() else None

    @property
    def alike(self) -> bool:
        """Whether every step treats queries as it treats rows."""
        return all(one.queries is None for one in self.fitted)

    @property
    def inert(self) -> str:
        """Why no ranking can change, as the end of a sentence; "" where one can, or by its bias."""
        if self.hub_correction or not self.fitted:
            return ""
        reasons = [_keeps(one) for one in self.fitted]
        if not all(reasons):
            return ""
        return next((reason for reason in reasons if reason != STAYS), STAYS)

    def rows(self, vectors: Floats, kind: Kind) -> Floats:
        """(n, e) unit rows of one kind as they are ranked."""
        return _through([one.rows[kind] for one in self.fitted], vectors)

    def queries(self, vectors: Floats, kind: Kind) -> Floats:
        """(n, e) unit rows of one kind as queries."""
        return _through([(one.queries or one.rows)[kind] for one in self.fitted], vectors)

    def space(
        self, space: Space, *, query_kind: Kind | None = None, held_out: Bools | None = None
    ) -> Space:
        """A repaired space.

        Args:
            space: the rows.
            query_kind: its rows are repaired as queries are, the others as rows that are ranked;
                without it, all are ranked.
            held_out: (n,) rows that a hub correction is not fitted on.
        """
        if not self.steps:
            return space
        hub = self.hub_correction
        names = tuple(str(step) for step in self.steps if step is not hub)
        repaired = _repaired(space, self.fitted, names, query_kind)
        if hub is None:
            return repaired
        return corrected(
            repaired, hub.name, query_kind=query_kind, held_out=held_out, **hub.settings
        )

    def spaces(self, space: Space, held_out: Bools | None) -> dict[Kind, Space]:
        """The repaired space by the kind of its queries, see `space`; one where they are alike."""
        if self.alike:
            return dict.fromkeys(KINDS, self.space(space, held_out=held_out))
        return {kind: self.space(space, query_kind=kind, held_out=held_out) for kind in KINDS}


def parse_steps(text: str) -> tuple[Step, ...]:
    """Steps as the command line and links write them.

    Raises:
        UnknownName: no such repair, hub correction or setting.
        BadParameter: a setting that is not a number, or out of range.
        InputError: a hub correction before another step.

    >>> [str(step) for step in parse_steps("per_modality_centering,nnn:k=16:alpha=0.5")]
    ['per_modality_centering', 'nnn:k=16:alpha=0.5']
    >>> parse_steps("none")
    ()
    """
    if text.strip() in ("", NONE):
        return ()
    steps = [_step(part.strip()) for part in text.split(",")]
    for step in steps[:-1]:
        if step.name in HUB_CORRECTIONS.all():
            raise InputError(
                f"{step.name} corrects scores, not vectors, and must be the last step. Put it "
                "behind the others."
            )
    return tuple(steps)


def fit_recipe(train: Space, steps: Sequence[Step]) -> Recipe:
    """Fit steps in order, each on the rows as the steps before it leave them.

    Args:
        train: the rows to fit on, of both kinds; nothing else is seen.
        steps: see `parse_steps`.

    Raises:
        TooFew: too few pairs for a step.
        InputError: a step maps a row to zero.
    """
    fitted: list[FittedRepair] = []
    before = ""
    for number, step in enumerate(steps):
        report_progress(number, len(steps))
        if step.name in HUB_CORRECTIONS.all():
            continue
        if fitted:
            train = _repaired(fitted[-1].train or train, fitted[-1:], [before])
        fitted.append(REPAIRS.get(step.name)(train, **step.settings))
        before = str(step)
    return Recipe(tuple(steps), tuple(fitted))


def _repaired(
    space: Space,
    fitted: Sequence[FittedRepair],
    steps: Sequence[str],
    query_kind: Kind | None = None,
) -> Space:
    """The space after some steps, with one more array of its size in memory."""
    if not fitted:
        return space
    vectors = np.empty((space.n, fitted[-1].rows[KINDS[0]].dims), np.float32)
    for kind in KINDS:
        span = space.span(kind)
        maps = [(one.queries if kind == query_kind else None) or one.rows for one in fitted]
        _through([each[kind] for each in maps], space.vectors[span], vectors[span])
    return replace(space, vectors=vectors, steps=(*space.steps, *steps))


def _through(maps: Sequence[RowMap], rows: Floats, out: Floats | None = None) -> Floats:
    """Rows after one map and the next, each written to `out` where it has the same dimensions."""
    for each in maps:
        rows = each(rows, out)
    return rows


def _keeps(one: FittedRepair) -> str:
    """Why a repair keeps every cosine, or ""."""
    maps = [*one.rows.values(), *(one.queries or {}).values()]
    if any((each.layer and each.layer.outer.any()) or each.shift.any() for each in maps):
        return ""
    eye = np.eye(len(maps[0].shift), dtype=np.float32)
    matrices = [eye if each.matrix is None else each.matrix for each in maps]
    first = matrices[0]
    if any(
        each.shape != first.shape or not np.allclose(each, first, atol=SAME) for each in matrices
    ):
        return ""
    if np.allclose(first, eye[: len(first)], atol=SAME):
        return STAYS
    cosines = first @ first.T
    scaled = cosines[0, 0] * np.eye(len(first))
    return TURNS if np.allclose(cosines, scaled, atol=SAME * abs(cosines[0, 0])) else ""


def step_of(text: str, registry: Registry[Any]) -> Step:
    """One part of a registry with its settings, as `name:setting=value`.

    Raises:
        UnknownName: no such part, or it has no such setting.
        BadParameter: a value of another type, or out of its range.
    """
    name, *settings = text.split(":")
    part = registry.get(name)
    types = {p.name: p for p in part.params}
    values: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        param = types.get(key)
        try:
            values[key] = param.type(value) if param else value
        except ValueError as error:
            raise BadParameter(key, value, "a number") from error
    part.check(values)
    return Step(name, values)


def _step(text: str) -> Step:
    corrections: Registry[Any] = HUB_CORRECTIONS
    repairs: Registry[Any] = REPAIRS
    name = text.partition(":")[0]
    return step_of(text, corrections if name in corrections.all() else repairs)
