"""Every command and its options."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import gate
from core.cli.collections import check, collections, delete, doctor, info, rename, undo
from core.cli.compress import compress
from core.cli.diagnose import diagnose
from core.cli.evaluate import evaluate
from core.cli.export import export
from core.cli.ingest import encode, ingest, tokens
from core.cli.label import label
from core.cli.numbers import decimal, whole
from core.cli.repair import repair
from core.cli.search import search
from core.cli.serve import demo, serve

if TYPE_CHECKING:
    from core.workbench import Workbench

Run = Callable[["Workbench", argparse.Namespace], int | None]
Command = Callable[[str, Run, str], ArgumentParser]

QUERY = 'a text, or a formula: "a beach" + 0.5*img:ID - "people"; file:PATH is an image file'

WHERE = (
    "filter, such as: label = dog and year > 1999; comparisons: =, !=, >, >=, <, <=, "
    "between 1 and 2, in (a, b), not in (a, b), contains"
)


def build_parser() -> ArgumentParser:
    """The whole command line."""
    home = "where collections are: a folder or a LanceDB URI ($SEXTANT_HOME, else ~/.sextant)"
    stored, printed = ArgumentParser(add_help=False), ArgumentParser(add_help=False)
    stored.add_argument("--home", default=argparse.SUPPRESS, help=home)
    printed.add_argument("--json", action="store_true", help="print one JSON document")
    parser = ArgumentParser(
        "sextant", description="Search multimodal embeddings and measure their geometry."
    )
    parser.add_argument("--home", help=home)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Run, text: str) -> ArgumentParser:
        parents = [stored] if name == "serve" else [stored, printed]
        sub = commands.add_parser(name, help=text, description=text, parents=parents)
        sub.set_defaults(run=run, verb=name)
        return sub

    _serve(command)
    _ingest(command)
    _encode(command)
    _tokens(command)
    _search(command)
    _label(command)
    _evaluate(command)
    _repair(command)
    _compress(command)
    _diagnose(command)
    _export(command)
    _collections(command)
    return parser


def _serve(command: Command) -> None:
    demo_ = command("demo", demo, "build the demo collection and open it in the browser")
    demo_.add_argument(
        "--build-only", action="store_true", help="build it and exit; --json needs it"
    )
    for sub in (demo_, command("serve", serve, "open the app in the browser")):
        sub.add_argument("--host", default="localhost", help="address to listen on (localhost)")
        sub.add_argument(
            "--port", type=whole(1, 65535), default=8501, help="first port to try (8501)"
        )
        sub.add_argument(
            "--root", type=Path, metavar="DIR",
            help="folder whose files can be added in the browser by path (your home folder; none "
            "unless on localhost)",
        )  # fmt: skip
        sub.add_argument(
            "--token", action=BooleanOptionalAction, default=None,
            help="ask every browser for the token in the printed link, or for none (a token "
            "unless on localhost; $SEXTANT_TOKEN sets it)",
        )  # fmt: skip
        sub.add_argument(
            "--oidc", type=Path, metavar="FILE",
            help="let people log in by an OpenID Connect provider, not by token: a TOML file with "
            "the section [auth] (see More > Security)",
        )  # fmt: skip
        _memory(sub)
        sub.add_argument(
            "--debug", action="store_true", help="show tracebacks in the browser; localhost only"
        )
        sub.add_argument("--no-browser", action="store_true", help="do not open a browser")


def _ingest(command: Command) -> None:
    sub = command("ingest", ingest, "read images, captions or vectors into a collection")
    sub.add_argument(
        "path", help="folder, zip, table, tar or vectors; their forms are under More > Formats"
    )
    sub.add_argument("-c", "--collection", metavar="NAME", help="the collection")
    sub.add_argument(
        "--dry-run", action="store_true",
        help="show what would be read and how, with the first records; nothing is stored",
    )  # fmt: skip
    read = sub.add_argument_group("how it is read, where that shall not be detected")
    read.add_argument("--form", default="", metavar="NAME", help="form, as --dry-run names it")
    for option, what in (
        ("image", "images: paths, or their bytes"),
        ("caption", "captions; several are separated by commas"),
        ("label", "labels; several are separated by commas"),
        ("vector", "ready-made vectors"),
    ):
        read.add_argument(
            f"--{option}-column", default="", metavar="NAME", help=f"column with the {what}"
        )
    read.add_argument(
        "--separator", default="", metavar="CHAR", help="between the cells of a line; tab for a tab"
    )
    sub.add_argument(
        "--prune", action="store_true",
        help="delete the items that this path had at an earlier ingest and has no more; without "
        "it the report lists them",
    )  # fmt: skip
    sub.add_argument(
        "--long-text", choices=("windows", "stretch", "interpolate", "cut"),
        help="encoding of texts beyond the encoder's context length: mean over windows (the "
        "default), stretched or interpolated position embeddings, or truncation",
    )  # fmt: skip
    _memory(sub)
    _encoder(sub, "encoder (that of the collection, else starter)")


def _encode(command: Command) -> None:
    sub = command(
        "encode",
        encode,
        "encode a collection's items with a further encoder, or with a newer starter",
    )
    sub.add_argument("name", help="the collection")
    _encoder(sub, "a further encoder (without: the newer starter, in place of the earlier one)")


def _tokens(command: Command) -> None:
    sub = command(
        "tokens", tokens, "store patch and text token vectors, for MUVERA, MaxSim and rerankers"
    )
    sub.add_argument("name", help="the collection")
    sub.add_argument(
        "--pool", choices=("ward", "kmeans"), help="clustering that pools an item's tokens (ward)"
    )
    size = sub.add_mutually_exclusive_group()
    size.add_argument(
        "--keep", type=whole(1, 256), metavar="K", help="vectors per item, at most (8)"
    )
    size.add_argument(
        "--ratio", type=decimal(0.001, 1), metavar="R",
        help="vectors per item, as a share of its tokens",
    )  # fmt: skip
    _encoder(sub)


def _search(command: Command) -> None:
    sub = command("search", search, "find the items most similar to a text, an image or several")
    sub.add_argument("name", help="the collection")
    sub.add_argument("text", nargs="?", default="", metavar="QUERY", help=QUERY)
    sub.add_argument("--image", type=Path, metavar="FILE", help="an image as a part of the query")
    sub.add_argument("--queries", metavar="FILE", help="one query per line; - is standard input")
    sub.add_argument(
        "--mix", choices=("balanced", "sum", "slerp"), default="balanced",
        help="how several parts become one vector: balanced by their score variance (the "
        "default), weighted sum, or spherical interpolation",
    )  # fmt: skip
    sub.add_argument(
        "--template", choices=("photo", "ensemble"), default="",
        help="prompt template for texts of one to three words, or an ensemble of templates; where "
        "images alone are found",
    )  # fmt: skip
    sub.add_argument(
        "--words", choices=("rrf", "sum"), default="",
        help="fuse in a full-text search: reciprocal rank fusion, or sum of z-scores",
    )  # fmt: skip
    sub.add_argument(
        "--first", choices=("ivf", "muvera", "compressed"), default="",
        help="first stage: approximate (ivf; faster in large collections, with a measured recall), "
        "token vectors (muvera, then MaxSim; less accurate than exact search in our benchmark), or "
        "the codes that `sextant compress --keep` keeps (compressed, then full vectors)",
    )  # fmt: skip
    sub.add_argument("-k", type=whole(1, 1000), default=10, help="number of hits, to 1000 (10)")
    sub.add_argument(
        "--miss", type=decimal(0.05, 0.5), default=0.05, metavar="RATE",
        help="share of queries with a match that may be judged to have none, 0.05 to 0.5 (0.05)",
    )  # fmt: skip
    sub.add_argument("--where", default="", metavar="EXPR", help=WHERE)
    sub.add_argument(
        "--prefer", default="", metavar="EXPR",
        help="move items with a value up, such as: label = dog (after `sextant compress NAME "
        "--keep attributes`)",
    )  # fmt: skip
    _recipe(sub)
    _hub_correction(sub)
    sub.add_argument("--rerank", default="", metavar="NAME", help="reranker, such as: k_reciprocal")
    sub.add_argument(
        "--find",
        choices=("image", "text", "both"),
        help="kinds of items to find (images, else texts)",
    )
    _encoder(sub)


def _label(command: Command) -> None:
    sub = command("label", label, "zero-shot labels of an image, or their accuracy here")
    sub.add_argument("name", help="the collection")
    sub.add_argument("--image", type=Path, metavar="FILE", help="an image file")
    sub.add_argument("--item", metavar="ID", help="an item of the collection")
    sub.add_argument(
        "--labels", type=Path, metavar="FILE",
        help="one label per line, as 'animal > dog' for a tree (the collection's labels)",
    )  # fmt: skip
    sub.add_argument("-k", type=whole(1, 5000), default=10, help="number of labels (10)")
    _encoder(sub)


def _evaluate(command: Command) -> None:
    sub = command("evaluate", evaluate, "recall, median rank and mAP on the collection's pairs")
    sub.add_argument("name", help="the collection")
    sub.add_argument(
        "--analogies", action="store_true",
        help='label analogies in place of pairs: an image - "one label" + "another"',
    )  # fmt: skip
    sub.add_argument(
        "--labels", action="store_true",
        help="labels in place of pairs: zero-shot accuracy with their names as texts, and image to "
        "image by label (the default where there are no pairs); keys of --json: classification and "
        "image_to_image, each with its scores by name, n_queries, n_candidates, by_label and "
        "sentence, and lacks with the reason where one is null",
    )  # fmt: skip
    sub.add_argument(
        "--versus-encoder", default="", metavar="NAME",
        help="compare with another encoder on the same queries, without the recipe",
    )  # fmt: skip
    sub.add_argument(
        "--by", default="", metavar="FIELD",
        help="also recall by group: label, an attribute, or caption length",
    )  # fmt: skip
    sub.add_argument(
        "--without-tag", action="append", default=[], metavar="TAG",
        help="leave out the items and pairs that bear a tag; can be repeated",
    )  # fmt: skip
    sub.add_argument(
        "--ranks", action="store_true",
        help="in --json also the rank of each query by id, so that a later --against is paired",
    )  # fmt: skip
    _hub_correction(sub)
    _recipe(sub)
    _encoder(sub)
    gate.add_options(sub)


def _repair(command: Command) -> None:
    sub = command("repair", repair, "fit repairs on some pairs and judge them on the others")
    sub.add_argument("name", help="the collection")
    what = sub.add_mutually_exclusive_group()
    what.add_argument(
        "--steps", default="", metavar="A,B",
        help="repairs in order with settings, a hubness correction last, such as: "
        "per_modality_centering,nnn:k=128; none changes nothing",
    )  # fmt: skip
    what.add_argument(
        "--suggest", type=decimal(1, 86400), metavar="SECONDS",
        help="compare a grid of recipes on the pairs to fit on, for at most so long",
    )  # fmt: skip
    what.add_argument(
        "--use", type=Path, metavar="FILE", help="store the recipe of a file as it is"
    )
    sub.add_argument(
        "--keep", default="", metavar="RECIPE",
        help="store it under this name (with --use, by default that of the file)",
    )  # fmt: skip
    sub.add_argument(
        "--export",
        type=Path,
        metavar="FILE",
        help="write it for other programs: as ONNX where the name ends in .onnx, else safetensors",
    )
    _encoder(sub)


def _compress(command: Command) -> None:
    sub = command("compress", compress, "bytes, recall and losers of ways to keep vectors")
    sub.add_argument("name", help="the collection")
    sub.add_argument(
        "--only", default="", metavar="A,B",
        help="ways with settings, such as: int8,truncation:dims=64,pq:parts=48",
    )  # fmt: skip
    suggest = sub.add_mutually_exclusive_group()
    suggest.add_argument(
        "--budget-bytes", type=decimal(1, 1e6), default=0, metavar="N",
        help="suggest the best way in so many bytes an item",
    )  # fmt: skip
    suggest.add_argument(
        "--recall", type=decimal(0.01, 1), metavar="R",
        help="suggest the smallest way that keeps this recall@10 (0.99)",
    )  # fmt: skip
    study = sub.add_mutually_exclusive_group()
    study.add_argument(
        "--protocol", action="store_true",
        help="instead: ways at equal bytes, 1/2 to 1/64 of the floats, with and without filters",
    )  # fmt: skip
    study.add_argument(
        "--layers", action="store_true",
        help="instead: recall and time of the encoder after fewer layers, in fewer dimensions",
    )  # fmt: skip
    sub.add_argument("--keep", default="", metavar="WAY", help="keep the codes of this way")
    sub.add_argument(
        "--way", default="", dest="export_way", metavar="WAY",
        help="the way that --export writes (that of --keep)",
    )  # fmt: skip
    sub.add_argument(
        "--export", type=Path, metavar="FILE",
        help="write the codes of a way as safetensors, and beside them numpy code that reads them",
    )  # fmt: skip
    _recipe(sub)
    _encoder(sub)


def _diagnose(command: Command) -> None:
    sub = command("diagnose", diagnose, "measure the geometry of the collection's vectors")
    sub.add_argument("name", help="the collection")
    sub.add_argument(
        "--only", default="", metavar="A,B",
        help="names of diagnostics and probes, separated by commas; the probes invariance, "
        "equivariance and truncation run the encoder, so they run only when named",
    )  # fmt: skip
    sub.add_argument("--subset", default="", metavar="EXPR", help="a subset, such as: label = dog")
    versus = sub.add_mutually_exclusive_group()
    versus.add_argument(
        "--versus-subset", default="", metavar="EXPR",
        help="compare with another subset, or with: rest",
    )  # fmt: skip
    versus.add_argument(
        "--versus-encoder", default="", metavar="NAME",
        help="compare with another encoder, without the recipe",
    )  # fmt: skip
    sub.add_argument("--report", type=Path, metavar="FILE", help="also write an HTML report")
    _recipe(sub)
    _encoder(sub)
    gate.add_options(sub)


def _export(command: Command) -> None:
    sub = command("export", export, "write items with captions, labels, tags and vectors to files")
    sub.add_argument("name", help="the collection")
    sub.add_argument(
        "--to", required=True, choices=("parquet", "csv", "jsonl", "webdataset", "lance", "folder"),
        help="the form; folder: every image as a file, with items.jsonl",
    )  # fmt: skip
    sub.add_argument(
        "--out", type=Path, metavar="PATH",
        help="the file or folder to write (here, named like the collection)",
    )  # fmt: skip
    sub.add_argument("--where", default="", metavar="EXPR", help=WHERE)
    sub.add_argument("--selection", default="", metavar="TAG", help="only what bears a tag")
    sub.add_argument("--query", default="", metavar="QUERY", help=f"only its matches; {QUERY}")
    sub.add_argument(
        "-k", type=whole(1, 1000), metavar="K", help="the best K of a query, matches or not"
    )
    sub.add_argument(
        "--find", choices=("image", "text", "both"), help="kinds a query finds (images, else texts)"
    )
    sub.add_argument("--no-vectors", action="store_true", help="leave out the vectors")
    _recipe(sub)
    _encoder(sub, "the one encoder to search with and to export (all are exported)")


def _collections(command: Command) -> None:
    command("collections", collections, "list the collections")
    sub = command("info", info, "counts, encoders, fields and tags of a collection")
    sub.add_argument("name", help="the collection")
    sub = command("rename", rename, "give a collection another name")
    sub.add_argument("collection", metavar="NAME", help="the collection")
    sub.add_argument("to", metavar="NEW", help="its new name")
    sub = command(
        "delete", delete, "delete a collection and all that is stored for it; your own files stay"
    )
    sub.add_argument("collection", metavar="NAME", help="the collection")
    sub.add_argument("--yes", action="store_true", help="confirm")
    sub = command("check", check, "find rows, thumbnails and vectors that do not fit together")
    sub.add_argument("name", help="the collection")
    sub.add_argument(
        "--repair", action="store_true",
        help="delete rows of items that are gone, make missing thumbnails again, and go on without "
        "lost tables whose content can be made again",
    )  # fmt: skip
    command("doctor", doctor, "versions, backends, free space and the health of all collections")
    sub = command("undo", undo, "undo the last edit of labels or tags, or the last deletion")
    sub.add_argument("name", help="the collection")
    sub.add_argument(
        "--deletions", action="store_true",
        help="in place of that: let the next ingest add the items again that were deleted in the "
        "app; an ingest leaves them out",
    )  # fmt: skip


def _memory(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--memory", type=decimal(0.1, 1024), metavar="GB",
        help="memory that images and tables may take while they are decoded (1)",
    )  # fmt: skip


def _hub_correction(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--hub-correction", default="", metavar="NAME",
        help="hubness correction: nnn, csls, qbnorm, dualis or dn",
    )  # fmt: skip


def _recipe(sub: ArgumentParser) -> None:
    sub.add_argument(
        "--recipe", default="", metavar="RECIPE", help="the vectors as a stored recipe repairs them"
    )


def _encoder(
    sub: ArgumentParser, text: str = "whose vectors (the collection's first encoder)"
) -> None:
    sub.add_argument("--encoder", help=text)
