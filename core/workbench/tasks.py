"""The workbench's long verbs as jobs: started by a page, resumed after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core import encoders
from core.errors import InputError, SextantError, TooFew, UnknownName
from core.ingest import Preview, ReadOptions, uploads
from core.types import Part, Pooling, Progress, Query
from core.workbench.collections import Workbench
from core.workbench.ingest import upload_folder
from core.workbench.jobs import Job, Tick, begin_step

if TYPE_CHECKING:
    from core.store import EncodedCollection

Arguments = Mapping[str, Any]


def start(bench: Workbench, verb: str, title: str, **arguments: Any) -> Job:
    """Run a verb in the background; see `VERBS` for what each takes.

    Raises:
        UnknownName: no long verb is called that.
        InputError: the encoder is a folder that the app may not read.
    """
    if verb not in VERBS:
        raise UnknownName("long verb", verb, VERBS)
    chosen = arguments.get("encoder") or ""
    if verb in NEW_VECTORS and (folder := encoders.folder_of(chosen)):
        uploads.root_of(folder.resolve(), chosen)

    def work(tick: Tick) -> Any:
        result = VERBS[verb](bench, arguments, tick)
        if verb in NEW_VECTORS:
            encoder = arguments["encoder"] if verb == "add_encoder" else None
            start_measuring(bench, arguments["name"], encoder)
        return result

    return bench.jobs.start(title, work, verb=verb, arguments=arguments)


def resume(bench: Workbench, job: Job) -> Job:
    """Run the verb of a job that did not finish again: it resumes where it stopped."""
    return start(bench, job.verb, job.title, **job.arguments)


def can_resume(bench: Workbench, job: Job) -> bool:
    """Whether what a job reads is still there: an upload that cannot be read is deleted at once."""
    path = Path(job.arguments.get("path", ""))
    return path.exists() or not path.is_relative_to(upload_folder(bench))


def dismiss(bench: Workbench, job: Job) -> None:
    """Delete the record of a job that is not running, and what was uploaded for it."""
    path = Path(job.arguments.get("path", "")) if job.verb == "ingest" else Path()
    if path.is_file():
        uploads.discard_upload(path, upload_folder(bench))
    bench.jobs.forget(job.id)


def start_measuring(
    bench: Workbench, name: str, encoder: str | None = None, recipe: str = ""
) -> Job:
    """Measure a collection with every diagnostic in the background; the findings are stored."""
    arguments = {"name": name, "encoder": encoder, "recipe": recipe}
    return start(bench, "measure_all", f"Measuring {name}", **arguments)


def warm_search(bench: Workbench, name: str, encoder: str | None) -> None:
    """Run a query that nobody sees, so that the first visible one does not wait.

    It loads the encoder, compiles what is compiled, and computes what is cached for each space.
    Errors are left to the first real query.
    """
    with suppress(SextantError):
        bench.search(bench.open(name, encoder), Query((Part("anything"),), kinds=("image",)))


def save_uploads(bench: Workbench, files: Iterable[tuple[str, BinaryIO]]) -> Path:
    """Save uploaded files; returns the path to ingest. See `core.ingest.uploads.save_uploads`."""
    return uploads.save_uploads(files, upload_folder(bench))


def discard_upload(bench: Workbench, path: Path) -> None:
    """Delete uploaded files that are not ingested after all."""
    uploads.discard_upload(path, upload_folder(bench))


def preview(bench: Workbench, path: str, options: ReadOptions, name: str = "") -> Preview:
    """What would be read from an upload or a path that the app may read, for a collection."""
    return bench.preview(path, name=name, root=_root(bench, Path(path)), options=options)


def columns(bench: Workbench, path: str) -> list[str]:
    """The columns of the table at a path; none where that cannot be read without options."""
    with suppress(InputError):
        found = preview(bench, path, ReadOptions())
        aside = [left.name for left in found.left_aside if left.instead.startswith("--")]
        return list(dict.fromkeys([*found.columns, *aside]))
    return []


def allowed_root() -> Path | None:
    """The folder that paths typed in the app must lie below; None where none may be typed."""
    return uploads.allowed_root()


def allowed_path(path: str) -> Path:
    """A typed path, when the app may read it; see `core.ingest.uploads.allowed_path`."""
    return uploads.allowed_path(path)


def _root(bench: Workbench, path: Path) -> Path:
    """The folder that a path chosen in the app must lie in: that of uploads, or the allowed one."""
    drops = upload_folder(bench)
    return drops if path.is_relative_to(drops) else uploads.root_of(path, str(path))


def _ingest(bench: Workbench, arguments: Arguments, tick: Tick) -> Any:
    path = Path(arguments["path"])
    try:
        return _ingested(bench, arguments, path, tick)
    except InputError:  # repeating it would not help
        uploads.discard_upload(path, upload_folder(bench))
        raise


def _ingested(bench: Workbench, arguments: Arguments, path: Path, tick: Tick) -> Any:
    report = bench.ingest(
        arguments["name"],
        path,
        encoder=arguments["encoder"],
        root=_root(bench, path),
        # A job that was started by an earlier version has no options.
        options=ReadOptions(**arguments.get("options", {})),
        prune=arguments.get("prune", False),
        progress=tick,
    )
    uploads.discard_upload(path, upload_folder(bench))
    return report


def _add_encoder(bench: Workbench, arguments: Arguments, tick: Tick) -> Any:
    return bench.add_encoder(arguments["name"], arguments["encoder"], progress=tick)


def _encode_again(bench: Workbench, arguments: Arguments, tick: Tick) -> Any:
    return bench.encode_again(arguments["name"], progress=tick)


def _build_demo(bench: Workbench, arguments: Arguments, tick: Tick) -> Any:
    return bench.build_demo(progress=tick, **arguments)


def _opened(bench: Workbench, arguments: Arguments) -> EncodedCollection:
    """The collection with an encoder's vectors, repaired by a recipe where one is named."""
    return bench.open(arguments["name"], arguments["encoder"], arguments.get("recipe", ""))


def _layout(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    # Nothing is returned: the coordinates are on disk, and a result would keep the space alive.
    opened, method, like = _opened(bench, arguments), arguments["method"], None
    if arguments.get("like"):
        given = arguments["like"]
        if isinstance(given, str):  # of a job that an earlier version has started: an encoder
            given = {"encoder": given, "settings": arguments["settings"]}
        other = _opened(bench, {"name": arguments["name"], **given})
        like = bench.layout(other, method, progress=_laying_out(tick), **given["settings"])
    found = bench.layout(
        opened, method, like=like, anew=arguments.get("anew", False),
        progress=_laying_out(tick), **arguments["settings"],
    )  # fmt: skip
    begin_step(tick, "finding clusters", 3, 4, "words")
    bench.clusters(opened, found, encode=True, progress=tick)  # a new map shows their names at once
    begin_step(tick, "measuring the map", 4, 4, "items")
    with suppress(TooFew):
        bench.map_quality(opened, found, progress=tick)


def _laying_out(tick: Tick) -> Progress:
    """The progress of a layout, whose total changes from items to iterations, as named steps."""
    steps = (("finding neighbors", "items"), ("laying out", "iterations"))
    seen: list[int] = []

    def progress(done: int, total: int) -> None:
        if total not in seen:
            name, unit = steps[len(seen) % 2]
            seen.append(total)
            begin_step(tick, name, 1 + (len(seen) - 1) % 2, 4, unit)
        tick(done, total)

    return progress


def _map_quality(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    opened = _opened(bench, arguments)
    found = bench.layout(opened, arguments["method"], **arguments["settings"])
    bench.map_quality(opened, found, progress=tick)


def _cluster_names(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    opened = _opened(bench, arguments)
    found = bench.layout(opened, arguments["method"], **arguments["settings"])
    begin_step(tick, "encoding words", 1, 1, "words")
    bench.clusters(opened, found, arguments["by"], encode=True, progress=tick)


def _encoder_report(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    bench.encoder_report(bench.open(arguments["name"], arguments["encoder"]), progress=tick)


def _add_tokens(bench: Workbench, arguments: Arguments, tick: Tick) -> Any:
    # A job that was started by an earlier version names no pooling.
    name = arguments.get("pooling")
    opened = bench.open(arguments["name"], arguments["encoder"])
    return bench.add_tokens(opened, pooling=Pooling.parse(name) if name else None, progress=tick)


def _measure_rankings(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    opened = bench.open(arguments["name"], arguments["encoder"])
    bench.measure_rankings(opened, arguments["rankings"], progress=tick)


def _measure_all(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    bench.measure_all(_opened(bench, arguments), progress=tick)


def _export(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    name, form = arguments["name"], arguments["form"]
    bench.save_export(name, form, vectors=arguments["vectors"], progress=tick)


def _repair(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    # Nothing is returned: `known_repair` has it as long as it is among the latest.
    opened = bench.open(arguments["name"], arguments["encoder"])
    bench.repair(opened, arguments["steps"], progress=tick)


def _compress(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    # Nothing is returned: `compress` has the ways as long as they are among the latest.
    opened = _opened(bench, arguments)
    bench.compress(opened, only=arguments["only"], progress=tick)


def _budget_rows(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    # Nothing is returned, as for `compress`.
    bench.budget_rows(_opened(bench, arguments), progress=tick)


def _depth_grid(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    # Nothing is returned, as for `compress`.
    bench.depth_grid(_opened(bench, arguments), progress=tick)


def _suggest_repair(bench: Workbench, arguments: Arguments, tick: Tick) -> None:
    opened = bench.open(arguments["name"], arguments["encoder"])
    bench.suggest(opened, arguments["seconds"], progress=tick)


VERBS: dict[str, Callable[[Workbench, Arguments, Tick], Any]] = {
    "ingest": _ingest,
    "add_encoder": _add_encoder,
    "encode_again": _encode_again,
    "build_demo": _build_demo,
    "layout": _layout,
    "map_quality": _map_quality,
    "cluster_names": _cluster_names,
    "encoder_report": _encoder_report,
    "add_tokens": _add_tokens,
    "measure_rankings": _measure_rankings,
    "measure_all": _measure_all,
    "export": _export,
    "compress": _compress,
    "budget_rows": _budget_rows,
    "depth_grid": _depth_grid,
    "repair": _repair,
    "suggest_repair": _suggest_repair,
}
# After these the collection is measured again.
NEW_VECTORS = ("ingest", "add_encoder", "encode_again", "build_demo")
