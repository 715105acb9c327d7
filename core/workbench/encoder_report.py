"""What an encoder is tried on: random pictures, random texts, and texts long enough to be cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from time import monotonic, time
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders import Encoder
from core.errors import InputError, UnreadableFile
from core.ingest import AUGMENTATIONS, Augmentation, decode
from core.measure import PROBES, Augmented, ProbeData
from core.types import Curve, Finding, Floats, Item, Progress, Reference, Space, digest

if TYPE_CHECKING:
    from PIL.Image import Image


FORMAT = "2"  # goes up when probes say something else of the same sample
NATURAL = 400  # texts that are encoded as they are
READ = 5000  # texts that are looked through for long ones
CUT = 200  # texts that are cut
TOPS = (48, 32, 24, 16, 12)  # words of the longest cut; more would not fit into CLIP's 77 tokens
LONG = 24  # words from which a caption need not be joined with others
SHORTEST, CUTS = 4, 5
ENOUGH, LEAST = 50, 16
OWN, JOINED = "texts", "texts (the captions of one picture, joined)"


@dataclass(frozen=True)
class Sample:
    """Ids of pictures, texts as they are, and the same texts cut to several lengths.

    Args:
        key: identity of the sample and of what is done to it.
        pictures: ids, of `of` pictures.
        of: pictures of the collection.
        texts: as they are.
        cut: m texts for each of c lengths, shortest first.
        cut_to: those lengths in words.
        cut_from: what was cut, in words.
    """

    key: str
    pictures: tuple[str, ...]
    of: int
    texts: tuple[str, ...] = ()
    cut: tuple[tuple[str, ...], ...] = ()
    cut_to: tuple[int, ...] = ()
    cut_from: str = OWN


def sample_key(space: Space, pictures: int) -> str:
    """Identity of what a sample would hold: the same items, the same changes, the same key."""
    changes = repr([(name, t.strengths, t.usual) for name, t in AUGMENTATIONS.items()])
    items = ("\n".join(space.ids), str(space.n_images), space.pairs.tobytes())
    return digest(FORMAT, changes, str(pictures), *items)


def sample(space: Space, pictures: int, items: Callable[[Sequence[str]], list[Item]]) -> Sample:
    """A seeded random sample of a space's items.

    Args:
        space: where the items are.
        pictures: how many pictures at most.
        items: reads items by id.
    """
    rng = np.random.default_rng(0)
    n, total = space.n_images, space.n - space.n_images
    chosen = np.sort(rng.choice(n, min(n, pictures), replace=False))
    rows = n + rng.choice(total, min(total, READ), replace=False)
    texts = {int(r): item.text for r, item in zip(rows, items([space.ids[r] for r in rows]),
                                                  strict=True)}  # fmt: skip
    own = [t for t in texts.values() if t]
    cut_from, cut, cut_to = _cuts(own, list(_joined(space, texts)))
    return Sample(
        sample_key(space, pictures),
        tuple(space.ids[r] for r in chosen),
        n,
        tuple(own[:NATURAL]),
        cut,
        cut_to,
        cut_from,
    )


def _joined(space: Space, texts: dict[int, str]) -> Iterator[str]:
    """All captions of a picture as one text, where all of them are known."""
    by_image: dict[int, list[str]] = {}
    for image, text in space.pairs.tolist():
        by_image.setdefault(image, []).append(texts.get(text, ""))
    for captions in by_image.values():
        if len(captions) > 1 and all(captions):
            yield " ".join(c.strip().rstrip(".") + "." for c in captions)


def _cuts(
    own: Sequence[str], joined: Sequence[str]
) -> tuple[str, tuple[tuple[str, ...], ...], tuple[int, ...]]:
    """Texts cut to lengths evenly spaced by ratio; nothing where too few are long enough.

    Captions of their own are taken before joined ones, unless they are short.
    """
    sources = [(OWN, own, top) for top in TOPS if top >= LONG]
    sources += [(JOINED, joined, top) for top in TOPS]
    sources += [(OWN, own, top) for top in TOPS if top < LONG]
    for needed in (ENOUGH, LEAST):
        for name, texts, top in sources:
            long = [w for w in map(str.split, texts) if len(w) >= top][:CUT]
            if len(long) >= needed:
                to = tuple(int(k) for k in np.geomspace(SHORTEST, top, CUTS).round())
                return name, tuple(tuple(" ".join(w[:k]) for w in long) for k in to), to
    return OWN, (), ()


TEXTS = "texts"
STAGES = (*AUGMENTATIONS, TEXTS)  # done one after the other, and kept one by one


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
    del values["yardstick"]  # the verdict is there; NaN is no JSON
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


SIDE = 512  # pixels of the shorter side at which pictures are changed: encoders see no more
BATCH = 8  # pictures in work at a time, each as often as a change has strengths
THREADS = 2

Read = Callable[[str], bytes]


def work(sample: Sample) -> int:
    """How many pictures and texts a whole run encodes."""
    views = sum(len(t.strengths) for t in AUGMENTATIONS.values())
    cut = sum(map(len, sample.cut))
    return len(sample.pictures) * (1 + views) + cut + len(sample.texts)


def try_encoder(
    encoder: Encoder,
    sample: Sample,
    read: Read,
    report: EncoderReport,
    *,
    keep: Callable[[EncoderReport], None],
    progress: Progress,
) -> EncoderReport:
    """Run what the report lacks.

    Args:
        encoder: what is tried.
        sample: on which pictures and texts.
        read: a picture's bytes by its id; raises UnreadableFile.
        report: what is known already: its stages are not run again.
        keep: called with the report after each stage.
        progress: told how many of all encodings are done; may raise to stop.
    """
    views = _Views(encoder, read, work(sample), progress)
    pictures = views.originals(sample.pictures, report)
    for name, transform in AUGMENTATIONS.items():
        if name in report.done:
            views.skip(len(report.ids) * len(transform.strengths))
            continue
        rows = views.changed(report.ids, transform)
        changed = Augmented(rows, transform.words, transform.usual)
        _probe("pictures", ProbeData(pictures, {name: changed}), report)
        report.rate = views.rate
        _finish(name, report, keep)
    if TEXTS not in report.done:
        _probe(TEXTS, _text_trial(encoder, sample, views.skip), report)
        _finish(TEXTS, report, keep)
    progress(work(sample), work(sample))
    return report


class _Views:
    """Encodes pictures as they are and changed, a few at a time; pixels are not kept."""

    def __init__(self, encoder: Encoder, read: Read, total: int, progress: Progress) -> None:
        self._encoder, self._read, self._progress = encoder, read, progress
        self._total, self._done, self._encoded = total, 0, 0
        self._started = monotonic()
        self.skip(0)

    @property
    def rate(self) -> float:
        """Pictures encoded a second."""
        return self._encoded / max(monotonic() - self._started, 1e-9)

    def skip(self, n: int) -> None:
        """Count what was done elsewhere."""
        self._done += n
        self._progress(self._done, self._total)

    def originals(self, ids: Sequence[str], report: EncoderReport) -> Floats:
        """(n, d) rows of the pictures that can be read; the report says which, and why not."""
        known, report.ids, report.left_out = report.ids, [], []
        rows = [np.empty((0, self._encoder.d), np.float32)]
        for id_, found in self._encode(ids, lambda image: [image]):
            if isinstance(found, UnreadableFile):
                report.left_out.append((found.name, found.reason))
            else:
                report.ids.append(id_)
                rows.append(found)
        if report.ids != known:  # what was found is about other pictures
            report.done, report.findings, report.lacks = [], [], {}
        return np.concatenate(rows)

    def changed(self, ids: Sequence[str], transform: Augmentation) -> Floats:
        """(n, v, d) rows of pictures at every strength of a change."""
        rows = np.empty((len(ids), len(transform.strengths), self._encoder.d), np.float32)
        for n, (_, found) in enumerate(self._encode(ids, transform.views)):
            if isinstance(found, UnreadableFile):  # it could be read a moment ago
                raise found
            rows[n] = found
        return rows

    def _encode(
        self, ids: Sequence[str], views: Callable[[Image], list[Image]]
    ) -> Iterator[tuple[str, Floats | UnreadableFile]]:
        """(v, d) rows of each picture, prepared in threads, or why it cannot be read."""

        def prepared(id_: str) -> Floats | UnreadableFile:
            try:
                image = _smaller(decode(self._read(id_), id_, at_least=SIDE))
            except UnreadableFile as error:
                return error
            return np.stack([self._encoder.prepare(view) for view in views(image)])

        with ThreadPoolExecutor(THREADS, thread_name_prefix="change") as pool:
            for start in range(0, len(ids), BATCH):
                part = ids[start : start + BATCH]
                found = list(pool.map(prepared, part))
                pixels = [f for f in found if not isinstance(f, UnreadableFile)]
                rows = self._encoder.encode_prepared(np.concatenate(pixels)) if pixels else ()
                self._encoded += len(rows)
                self.skip(len(rows))
                each = iter(np.split(rows, len(pixels))) if pixels else iter(())
                for id_, f in zip(part, found, strict=True):
                    yield id_, f if isinstance(f, UnreadableFile) else next(each)


def _smaller(image: Image) -> Image:
    """At most `SIDE` pixels along the shorter side, so that large pictures do not take long."""
    scale = SIDE / min(image.size)
    if scale >= 1:
        return image
    return image.resize((round(image.width * scale), round(image.height * scale)), reducing_gap=2.0)


def _text_trial(encoder: Encoder, sample: Sample, count: Callable[[int], None]) -> ProbeData:
    cut = np.empty((len(sample.cut), len(sample.cut[0]) if sample.cut else 0, encoder.d), "f4")
    for rows, texts in zip(cut, sample.cut, strict=True):
        rows[:] = encoder.encode_texts(texts)
        count(len(texts))
    natural = encoder.encode_texts(sample.texts)
    count(len(natural))
    words = np.array([len(t.split()) for t in sample.texts], np.int64)
    to = np.array(sample.cut_to, np.int64)
    return ProbeData(texts=natural, words=words, cut=cut, cut_to=to, cut_from=sample.cut_from)


def _probe(takes: str, trial: ProbeData, report: EncoderReport) -> None:
    """Run the probes that take this kind of trial; what one cannot say is noted."""
    for part in PROBES.all().values():
        if part.traits["takes"] == takes:
            try:
                report.findings += part(trial)
            except InputError as lack:
                report.lacks[part.name] = str(lack)


def _finish(stage: str, report: EncoderReport, keep: Callable[[EncoderReport], None]) -> None:
    report.done.append(stage)
    report.made = time()
    keep(report)
