"""Every command and its options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.diagnose import diagnose as diagnosing_diagnose
from core.cli.evaluate import evaluate as measuring_evaluate
from core.cli.ingest import collections, serve_command
from core.cli.ingest import demo as filling_demo
from core.cli.ingest import ingest as filling_ingest
from core.cli.ingest import tokens as filling_tokens
from core.cli.label import label as labelling_label
from core.cli.search import search as searching_search

if TYPE_CHECKING:
    from core.workbench import Workbench


FORMULA = '"a beach" + 0.5*img:ID - "people"; file:PATH is a picture of your own'
Run = Callable[["Workbench", argparse.Namespace], None]


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    shared = argparse.ArgumentParser(add_help=False)
    where = "where collections are kept: a folder or a LanceDB URI"
    shared.add_argument("--home", default=argparse.SUPPRESS, help=where)
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    parser = argparse.ArgumentParser(
        "sextant", description="Search multimodal embeddings and measure their geometry."
    )
    parser.add_argument("--home", help=where)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, parents=[shared])
        sub.set_defaults(run=run)
        return sub

    demo = command("demo", filling_demo, "build the demo collection and open it in the browser")
    demo.add_argument("--build-only", action="store_true", help="build it and exit")
    serve = command("serve", serve_command, "open the app in the browser")
    for sub in (demo, serve):
        sub.add_argument("--host", default="localhost", help="address to listen on")
        sub.add_argument("--port", type=int, default=8501)
        sub.add_argument("--no-browser", action="store_true", help="do not open a browser")
    ingest = command(
        "ingest", filling_ingest, "read pictures, captions or vectors into a collection"
    )
    ingest.add_argument("path", help="folder, zip, items.jsonl, CSV, TSV, Parquet, COCO captions")
    ingest.add_argument("-c", "--collection", required=True, metavar="NAME")
    ingest.add_argument(
        "--long-text", choices=("windows", "stretch", "interpolate", "cut"),
        help="how texts beyond the encoder's limit are read (windows, averaged)",
    )  # fmt: skip
    tokens = command(
        "tokens", filling_tokens, "store vectors of places and words, to search and rerank by"
    )
    tokens.add_argument("name", help="the collection")
    tokens.add_argument(
        "--pool", choices=("ward", "kmeans"), help="how the parts of an item are clustered (ward)"
    )
    size = tokens.add_mutually_exclusive_group()
    size.add_argument("--keep", type=int, metavar="K", help="at most so many vectors an item (8)")
    size.add_argument("--ratio", type=float, metavar="R", help="a share of its parts, such as 0.25")
    tokens.add_argument("--encoder", help="which vectors (the collection's first)")
    search = command("search", searching_search, "find what is nearest to a text or a picture")
    search.add_argument("name", help="the collection")
    search.add_argument(
        "text", nargs="?", default="", metavar="QUERY", help=f"a text, or {FORMULA}"
    )
    search.add_argument("--image", type=Path, metavar="FILE", help="ask with a picture too")
    search.add_argument("--queries", metavar="FILE", help="one query a line; - is standard input")
    search.add_argument(
        "--mix", choices=("centred", "sum", "slerp"), default="centred",
        help="how several parts become one direction (centred: each counts as its weight says)",
    )  # fmt: skip
    search.add_argument(
        "--template", choices=("photo", "ensemble"), default="",
        help="put texts of one to three words into sentences such as: a photo of a ...",
    )  # fmt: skip
    search.add_argument(
        "--words", choices=("rrf", "sum"), default="",
        help="also look for the words in captions, labels and names, and fuse both rankings",
    )  # fmt: skip
    search.add_argument(
        "--first", choices=("ivf", "muvera"), default="",
        help="what finds candidates: the nearest cells only (ivf: quicker among very many, misses "
        "a few), or stored token vectors and MaxSim (muvera: measured worse than one vector)",
    )  # fmt: skip
    search.add_argument("-k", type=int, default=10, help="how many hits (10)")
    search.add_argument(
        "--expected", type=float, default=0.0, metavar="E",
        help="matches end where so many chance hits are expected (1)",
    )  # fmt: skip
    search.add_argument(
        "--miss", type=float, default=0.0, metavar="RATE",
        help="share of true matches that may be missed, 0.05 to 0.9, where pairs teach a cut",
    )  # fmt: skip
    search.add_argument("--where", default="", metavar="EXPR", help="such as: label = dog")
    search.add_argument(
        "--rerank", default="", metavar="NAME", help="order the best hits again, such as: diffusion"
    )
    search.add_argument("--find", choices=("image", "text", "both"), help="what (pictures)")
    label = command("label", labelling_label, "labels for a picture, or how well they are found")
    label.add_argument("name", help="the collection")
    label.add_argument("--image", type=Path, metavar="FILE", help="a picture")
    label.add_argument("--item", metavar="ID", help="an item of the collection")
    label.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="one label on each line, as 'animal > dog' in a tree (the collection's labels)",
    )
    label.add_argument("-k", type=int, default=10, help="how many labels (10)")
    evaluate = command(
        "evaluate", measuring_evaluate, "recall both ways from the collection's own pairs"
    )
    evaluate.add_argument("name", help="the collection")
    evaluate.add_argument(
        "--analogies", action="store_true",
        help='swap labels in words: a picture - "one label" + "another"',
    )  # fmt: skip
    for sub in (search, evaluate):
        sub.add_argument(
            "--hub-correction", default="", metavar="NAME", help="nnn, csls, qbnorm, dualis or dn"
        )
    diagnose = command("diagnose", diagnosing_diagnose, "the geometry of the collection's vectors")
    diagnose.add_argument("name", help="the collection")
    diagnose.add_argument(
        "--only",
        default="",
        metavar="A,B",
        help="names of diagnostics, with commas between; invariance, equivariance and truncation "
        "run the encoder on a sample and are left out unless they are named here",
    )
    diagnose.add_argument(
        "--subset", default="", metavar="EXPR", help="measure a part, such as: label = dog"
    )
    versus = diagnose.add_mutually_exclusive_group()
    versus.add_argument(
        "--versus-subset",
        default="",
        metavar="EXPR",
        help="compare with another part, or with: rest",
    )
    versus.add_argument(
        "--versus-encoder", default="", metavar="NAME", help="compare with the vectors of another"
    )
    diagnose.add_argument(
        "--report", type=Path, metavar="FILE", help="also write all of it as one HTML file"
    )
    for sub in (ingest, search, label, evaluate, diagnose):
        sub.add_argument("--encoder", help="which vectors (the collection's first, or starter)")
    command("collections", collections, "what there is")
    return parser
