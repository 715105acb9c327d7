"""`sextant`: the same verbs as the pages, on the command line.

With --json one JSON document goes to standard output and nothing else does; progress goes to
standard error. Exit code 0: done; 2: the input was refused, with a sentence on standard error;
1: a bug, with its traceback.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from core.errors import InputError, SextantError

if TYPE_CHECKING:
    from core.workbench import Workbench

Run = Callable[["Workbench", argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if "run" not in options:
        parser.print_help()
        return 0
    from core.workbench import Workbench

    try:
        options.run(Workbench(options.home), options)
    except SextantError as error:
        _tell(str(error))
        return 2
    except KeyboardInterrupt:
        _tell("Stopped; what was done is kept. Run the same command again to go on.")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--home", help="where collections are kept: a folder or a LanceDB URI")
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    parser = argparse.ArgumentParser(
        "sextant", description="Search multimodal embeddings and measure their geometry."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, parents=[shared])
        sub.set_defaults(run=run)
        return sub

    demo = command("demo", _demo, "build the demo collection and open it in the browser")
    demo.add_argument("--build-only", action="store_true", help="build it and exit")
    serve = command("serve", _serve, "open the app in the browser")
    for sub in (demo, serve):
        sub.add_argument("--host", default="localhost", help="address to listen on")
        sub.add_argument("--port", type=int, default=8501)
        sub.add_argument("--no-browser", action="store_true", help="do not open a browser")
    ingest = command("ingest", _ingest, "read pictures, captions or vectors into a collection")
    ingest.add_argument("path", help="folder, zip, items.jsonl, CSV, TSV, Parquet, COCO captions")
    ingest.add_argument("-c", "--collection", required=True, metavar="NAME")
    search = command("search", _search, "find what is nearest to a text or a picture")
    search.add_argument("name", help="the collection")
    search.add_argument("text", nargs="?", default="")
    search.add_argument("--image", type=Path, metavar="FILE", help="ask with a picture")
    search.add_argument("-k", type=int, default=10, help="how many hits (10)")
    search.add_argument("--where", default="", metavar="EXPR", help="such as: label = dog")
    search.add_argument("--find", choices=("image", "text", "both"), help="what (pictures)")
    evaluate = command("evaluate", _evaluate, "recall both ways from the collection's own pairs")
    evaluate.add_argument("name", help="the collection")
    diagnose = command("diagnose", _diagnose, "the geometry of the collection's vectors")
    diagnose.add_argument("name", help="the collection")
    diagnose.add_argument("--only", default="", help="names of diagnostics, with commas between")
    diagnose.add_argument(
        "--subset", default="", metavar="EXPR", help="measure a part, such as: label = dog"
    )
    diagnose.add_argument(
        "--report", type=Path, metavar="FILE", help="also write all of it as one HTML file"
    )
    for sub in (ingest, search, evaluate, diagnose):
        sub.add_argument("--encoder", help="which vectors (the collection's first, or starter)")
    command("collections", _collections, "what there is")
    bench = command("bench", _bench, "measure speed side by side with alternatives")
    bench.add_argument("what", help="encoder or neighbors")
    return parser


def _ingest(workbench: Workbench, options: argparse.Namespace) -> None:
    progress = _Progress("records")
    report = workbench.ingest(
        options.collection, options.path, encoder=options.encoder, progress=progress
    )
    progress.end()
    if options.json:
        return _print(report.to_dict())
    for refusal in report.refused:
        _tell(f"refused  {refusal.name}: {refusal.reason}")
    for note in report.notes:
        _tell(note)
    _say(
        f"{report.collection}: {report.images:,} pictures and {report.texts:,} texts added, "
        f"{len(report.repeated):,} repeated, {len(report.refused):,} refused, "
        f"{report.encoded:,} encoded in {report.seconds:.1f} s."
    )


def _search(workbench: Workbench, options: argparse.Namespace) -> None:
    from core import documents
    from core.types import Kind, Query

    kinds: dict[str, tuple[Kind, ...]] = {
        "image": ("image",),
        "text": ("text",),
        "both": ("image", "text"),
    }

    if bool(options.text.strip()) == bool(options.image):
        raise InputError("Ask with a text or with --image FILE, and not with both.")
    card = workbench.card(options.name)
    find = options.find or ("image" if card.images else "text")
    image = _read(options.image) if options.image else b""
    filters = workbench.filters(options.name, options.where)
    query = Query(text=options.text, image=image, kinds=kinds[find], filters=filters, k=options.k)
    answer = workbench.search(options.name, query, options.encoder)
    items = {i.id: i for i in workbench.items(options.name, [h.id for h in answer.hits])}
    if options.json:
        return _print(documents.answer(answer, items))
    for hit in answer.hits:
        hub = f"  hub x{hit.hubness:.1f}" if hit.hubness else ""
        name = items[hit.id].name
        _say(f"{hit.rank:>4}  {hit.cosine:.3f}  p {hit.p_null:.1e}  {name}{hub}")
    _say(answer.sentence)


def _evaluate(workbench: Workbench, options: argparse.Namespace) -> None:
    from core import documents

    result = workbench.evaluate(options.name, options.encoder)
    if options.json:
        return _print(documents.evaluation(result))
    for title, direction in (
        ("text to image", result.text_to_image),
        ("image to text", result.image_to_text),
    ):
        _say(f"{title} ({len(direction.queries):,} queries)")
        for name, s in direction.scores.items():
            interval = f"[{s.low:.3f}, {s.high:.3f}]"
            _say(f"  {name:<12} {s.value:>8.3f}  {interval:<18} chance {s.chance:.3f}")
    _say(result.sentence)


def _diagnose(workbench: Workbench, options: argparse.Namespace) -> None:
    from core import documents

    if options.report and not options.report.absolute().parent.is_dir():
        raise InputError(f"There is no folder {options.report.parent} to write the report to.")
    only = [name.strip() for name in options.only.split(",") if name.strip()]
    filters = workbench.filters(options.name, options.subset)
    space = workbench.subset(options.name, filters, options.encoder)
    findings = workbench.diagnose(
        options.name,
        only,
        options.encoder,
        filters=filters,
        on_part=lambda name: _tell(f"measuring {name}"),
    )
    if options.report:
        from core import html_report

        side = html_report.Side(options.subset or "Everything", space, findings)
        _write(options.report, html_report.page(options.name, [side]))
    if options.json:
        return _print(documents.diagnosis(space.encoder, space.n, findings))
    for f in findings:
        interval = f"[{f.low:.3g}, {f.high:.3g}]"
        _say(f"{f.verdict:<8} {f.name:<20} {f.scope:<6} {f.value:>9.4g}  {interval}")
        _say(f"         {f.sentence}")


def _collections(workbench: Workbench, options: argparse.Namespace) -> None:
    cards = workbench.collections()
    if options.json:
        rows = [
            {"name": c.name, "images": c.images, "texts": c.texts, "encoders": list(c.encoders)}
            for c in cards
        ]
        return _print({"collections": rows})
    for card in cards:
        made_by = ", ".join(card.encoders)
        _say(f"{card.name}: {card.images:,} pictures, {card.texts:,} texts, {made_by}")
    if not cards:
        _say("No collections yet. Make one: sextant ingest PATH -c NAME, or sextant demo")


def _bench(workbench: Workbench, options: argparse.Namespace) -> None:
    from core import bench

    _print(bench.run(options.what))


def _demo(workbench: Workbench, options: argparse.Namespace) -> None:
    if options.build_only:
        progress = _Progress("pictures")
        report = workbench.build_demo(progress)
        progress.end()
        if options.json:
            _print(report.to_dict())
        return
    from core import background

    background.start(workbench, "build_demo", "Building the demo collection", name="demo")
    _serve(workbench, options)


def _serve(workbench: Workbench, options: argparse.Namespace) -> None:
    from core.serve import serve

    serve(workbench.uri, options.host, options.port, browser=not options.no_browser)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    _tell(f"The report is in {path}: one file, to open in any browser.")


class _Progress:
    """One line on standard error that says how far, how fast, and how long still."""

    def __init__(self, what: str) -> None:
        self._what, self._started, self._shown = what, monotonic(), 0.0

    def __call__(self, done: int, total: int) -> None:
        now = monotonic()
        if now - self._shown < 0.5 and done < total:
            return
        self._shown = now
        rate = done / max(now - self._started, 1e-9)
        left = f", {(total - done) / rate:,.0f} s left" if rate and total > done else ""
        line = f"{done:,} of {total:,} {self._what}, {rate:,.1f} a second{left}"
        sys.stderr.write(f"\r{line:<70}" if sys.stderr.isatty() else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def _print(document: Any) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
