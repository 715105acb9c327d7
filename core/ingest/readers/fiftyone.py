"""FiftyOne's exports: samples.json of a dataset, labels.json of its image datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.coco import document_of
from core.ingest.readers.forms import Table, TableForm
from core.ingest.readers.places import split_of
from core.ingest.readers.records import Aside, ReadOptions
from core.ingest.readers.tables import Fields, collect

_LISTS = ("detections", "classifications", "polylines", "keypoints")


def _table(name: str, document: Mapping[str, Any], options: ReadOptions) -> Table:
    try:
        return (_samples if "samples" in document else _labels)(name, document, options)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        reason = "it is no export of FiftyOne: a field is missing or of a wrong type"
        raise UnreadableFile(name, reason) from error


def _samples(name: str, document: Mapping[str, Any], options: ReadOptions) -> Table:
    """Every field of a sample; the first field of classes or detections is its label."""
    entries: list[Fields] = []
    classes: dict[str, None] = {}
    dropped: dict[str, None] = {}
    for at, sample in enumerate(document["samples"], 1):
        fields: dict[str, object] = {}
        for field, value in sample.items():
            if field.startswith("_") or field in ("created_at", "last_modified_at"):
                continue
            if field == "metadata":
                fields |= {k: v for k, v in (value or {}).items() if k in ("width", "height")}
            elif field == "tags":
                fields |= _tags(value or [])
            elif isinstance(value, dict) and (named := _names(value)) is not None:
                classes[field] = None
                fields[field] = named
            elif isinstance(value, dict):
                dropped[field] = None
            else:
                fields[field] = value
        entries.append((f"{name} sample {at}", fields))
    if classes and not options.label_column:
        first = "ground_truth" if "ground_truth" in classes else next(iter(classes))
        options = replace(options, label_column=first)
    table = collect(name, entries, options)
    left = [
        Aside(field, "another field is the label", f"--label-column {field}")
        for field in classes
        if table.columns.get(field) == "attribute"
    ]
    left += [Aside(field, "it is no text, number or class") for field in dropped]
    return replace(table, left_aside=(*table.left_aside, *left))


def _tags(tags: list[str]) -> dict[str, object]:
    """The tags of a sample; one that names a split is its split."""
    splits = [split for tag in tags if (split := split_of(tag))]
    rest = [tag for tag in tags if not split_of(tag)]
    return {
        **({"split": splits[0]} if len(splits) == 1 else {}),
        **({"tags": ", ".join(rest)} if rest else {}),
    }


def _names(value: Mapping[str, Any]) -> list[str] | None:
    """The names of the classes in a field; None where it has none.

    >>> _names({"_cls": "Detections", "detections": [{"label": "cat"}, {"label": "cat"}]})
    ['cat']
    """
    if "label" in value:
        return [value["label"]] if value["label"] else []
    for key in _LISTS:
        if key in value:
            return list(dict.fromkeys(one["label"] for one in value[key] if one.get("label")))
    return None


def _labels(name: str, document: Mapping[str, Any], options: ReadOptions) -> Table:
    """The classes of each image in data/: a name, a number of `classes`, or a list of objects."""
    classes = document.get("classes") or []

    def named(target: Any) -> list[str]:
        if isinstance(target, list):
            return list(dict.fromkeys(one for part in target for one in named(part)))
        if isinstance(target, dict):
            return named(target["label"])
        if target is None:
            return []
        return [classes[target] if isinstance(target, int) and classes else str(target)]

    return collect(
        name,
        [
            (f"{name} image {image}", {"image": f"data/{image}", "labels": named(target)})
            for image, target in document["labels"].items()
        ],
        options,
    )


def _recognizes(name: str, document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("samples"), list) or isinstance(document.get("labels"), dict)


FIFTYONE = TableForm(
    name="fiftyone",
    title="FiftyOne, exported",
    recognized="A JSON object with samples (samples.json), or with labels by image (labels.json).",
    taken=(
        "ground_truth or the first field of classes or detections gives the labels; a tag that "
        "names a split is the split; other fields are attributes."
    ),
    example=(
        '{"samples": [{"filepath": "data/1.jpg", "tags": ["train"],\n'
        '              "ground_truth": {"_cls": "Classification", "label": "dog"}}]}'
    ),
    suffixes=(".json",),
    load=document_of,
    recognizes=_recognizes,
    table=_table,
)
