"""The source at a path: the first form that recognizes it reads it."""

from __future__ import annotations

from pathlib import Path

from core.errors import UnknownName, UnreadableFile
from core.ingest.readers.files import Folder, Tree, allowed, suffix
from core.ingest.readers.folders import FOLDER, IMAGE, SUPPORTED
from core.ingest.readers.forms import Form, SourceForm
from core.ingest.readers.imagefolder import IMAGEFOLDER
from core.ingest.readers.img2dataset import IMG2DATASET
from core.ingest.readers.lance_tables import LANCE
from core.ingest.readers.records import ReadOptions, Source
from core.ingest.readers.rows import DETECT
from core.ingest.readers.table_files import TABLES, table_file
from core.ingest.readers.tars import Tar, is_tar
from core.ingest.readers.vectors import VECTOR_FORMS
from core.ingest.readers.webdataset import WEBDATASET
from core.ingest.readers.zips import Zip

_SOURCES: tuple[SourceForm, ...] = (
    IMAGE,
    WEBDATASET,
    LANCE,
    IMG2DATASET,
    IMAGEFOLDER,
    FOLDER,
)
FORMS: tuple[Form, ...] = (*_SOURCES, *TABLES, *VECTOR_FORMS)


def read(
    path: str | Path,
    root: Path | None = None,
    options: ReadOptions = DETECT,
    stored: Tree | None = None,
) -> Source:
    """Detect the form of a source and read it.

    A folder, zip or tar yields all its images, with the captions, labels and attributes of the
    table in it. A table by its own path yields only the images and texts that it names.

    Args:
        path: a folder or a file.
        root: when given, nothing outside this folder is read.
        options: what is not to be detected.
        stored: images that a table by its own path may name where they do not lie beside it.

    Raises:
        InputError: no such path, outside `root`, or none of the forms; or no form of that name.
    """
    names = [form.name for form in FORMS]
    if options.form and options.form not in names:
        raise UnknownName("form", options.form, names)
    tree, file = _tree(allowed(path, root), root)
    if options.form in [form.name for form in VECTOR_FORMS]:
        raise UnreadableFile(file or tree.name, f"it is not of the form {options.form}")
    if column := options.vector_column:
        raise UnreadableFile(file or tree.name, f"it has no column '{column}' of vectors")
    asked = [form for form in _SOURCES if form.name == options.form]
    if asked and file and not asked[0].recognizes(tree, file):
        raise UnreadableFile(file, f"it is a file, and {options.form} is a form of folders")
    for form in asked or _SOURCES:
        if asked or (form.recognizes(tree, file) and not _is_table(options)):
            return form.read(tree, file, options)
    if not file:
        return FOLDER.read(tree, file, options)
    if not _is_table(options) and not any(suffix(file) in form.suffixes for form in TABLES):
        raise UnreadableFile(file, f"its format is not supported. Supported: {SUPPORTED}")
    return table_file(tree, file, options, stored)


def _is_table(options: ReadOptions) -> bool:
    """Whether a form of tables was asked for."""
    return options.form in [form.name for form in TABLES]


def _tree(place: Path, root: Path | None) -> tuple[Tree, str]:
    """The tree at a path, and the file in it that was asked for; "" for all of it."""
    if place.is_dir():
        return Folder(place), ""
    if suffix(place.name) == ".zip":
        return Zip(place), ""
    if is_tar(place.name):
        return Tar(place), ""
    top = place.parent
    apart = top.name.startswith("annotation") or top.name.endswith("_text")
    if apart and (root is None or top != root.resolve()):
        top = top.parent  # the images of COCO and Flickr8k lie beside the folder of their texts
    return Folder(top), place.relative_to(top).as_posix()
