"""A gate for CI: --fail-under, --fail-over, --against, --strict and --junit; exit code 3."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.output import echo, log, read_text
from core.errors import BadParameter, InputError, UnknownName

if TYPE_CHECKING:
    from core.measure import Criterion, Metric, Outcome

FAILED = 3  # exit code
ABOUT = """\
a gate for CI:
  Decided on the 95% interval of each number. --fail-under: "fail" where the whole interval lies
  below the threshold, "pass" where the whole interval is at or above it, else "undecided".
  --against: "fail" where a number is worse than in the earlier document: where the interval of the
  difference lies on the worse side of 0 (all together 95%). Recall is paired by query where the
  earlier document has --ranks; other numbers are compared as independent ones. Exit code 3:
  something failed; 0: nothing did, also where something is undecided, unless --strict; 2: the
  command or a file was rejected.
  Names are those of --json, such as recall@10 (both directions), text_to_image.recall@10,
  classification.accuracy, hubness or hubness.image."""


@dataclass(frozen=True)
class Decision:
    """A document with what was decided on it, if anything was to be."""

    document: dict[str, Any]
    criteria: tuple[Criterion, ...]
    outcome: Outcome

    def finish(self, options: argparse.Namespace) -> int:
        """Print each criterion, write the JUnit file, and return the exit code."""
        for c in self.criteria:
            (log if options.json else echo)(f"{c.outcome:<9} {c.sentence}")
        if options.junit:
            _write_junit(options.junit, self.criteria, options)
        if self.outcome == "undecided":
            log("Undecided numbers do not fail without --strict; more queries would decide them.")
        return FAILED if self.outcome == "fail" else 0


def add_options(sub: argparse.ArgumentParser) -> None:
    """The options of the gate, with what they mean."""
    sub.epilog, sub.formatter_class = ABOUT, argparse.RawDescriptionHelpFormatter
    gate = sub.add_argument_group("gate")
    gate.add_argument(
        "--fail-under", action="append", default=[], metavar="NAME=VALUE",
        help='fail when a number is lower, such as "recall@10=0.8"; can be repeated',
    )  # fmt: skip
    gate.add_argument(
        "--fail-over", action="append", default=[], metavar="NAME=VALUE",
        help='fail when a number is higher, such as "median_rank=5"; can be repeated',
    )  # fmt: skip
    gate.add_argument(
        "--against", type=Path, metavar="FILE",
        help="fail when a number is worse than in an earlier --json document",
    )  # fmt: skip
    gate.add_argument("--strict", action="store_true", help="what is undecided fails too")
    gate.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit XML")


def is_set(options: argparse.Namespace) -> bool:
    """Whether anything is to be decided."""
    return bool(options.fail_under or options.fail_over or options.against)


def check(options: argparse.Namespace) -> None:
    """Reject what can be rejected before anything is measured.

    Raises:
        InputError: a malformed threshold, a file that cannot be read or written, or nothing to
            decide on.
    """
    _thresholds(options)
    if options.against:
        _earlier(options)
    if (options.junit or options.strict) and not is_set(options):
        raise InputError(
            "There is nothing to decide. Add --fail-under NAME=VALUE or --against FILE."
        )
    if options.junit and not options.junit.absolute().parent.is_dir():
        raise InputError(f"There is no folder {options.junit.parent} to write the JUnit file to.")


def decide(document: dict[str, Any], options: argparse.Namespace) -> Decision:
    """Decide on the numbers of a document; the result is its key "gate".

    Raises:
        UnknownName: no number has that name.
        InputError: the earlier document shares no number with this one.
    """
    from core.measure import against_earlier, against_threshold, overall
    from core.workbench import gates

    if not is_set(options):
        return Decision(document, (), "pass")
    known = gates.metrics(document)
    criteria = [
        against_threshold(name, metric, threshold, over=over)
        for asked, threshold, over in _thresholds(options)
        for name, metric in _named(asked, known).items()
    ]
    if options.against:
        earlier = _earlier(options)
        found = against_earlier(
            known,
            gates.metrics(earlier),
            gates.read_ranks(document),
            gates.read_ranks(earlier),
        )
        if not found:
            raise InputError(
                f"{options.against} has no number in common with this command. Write it with: "
                f"{_same_command(options)}."
            )
        criteria += found
    outcome = overall(criteria, strict=options.strict)
    return Decision({**document, "gate": gates.gate(criteria, outcome)}, tuple(criteria), outcome)


def _thresholds(options: argparse.Namespace) -> list[tuple[str, float, bool]]:
    """Name, threshold and whether it is an upper one, of each --fail-under and --fail-over."""
    result = []
    for option, given in (("--fail-under", options.fail_under), ("--fail-over", options.fail_over)):
        for text in given:
            name, _, number = text.rpartition("=")
            try:
                threshold = float(number)
            except ValueError:
                threshold = float("nan")
            if not name.strip() or not isfinite(threshold):
                raise BadParameter(option, f"'{text}'", "NAME=NUMBER, such as recall@10=0.8")
            result.append((name.strip(), threshold, option == "--fail-over"))
    return result


def _named(asked: str, known: Mapping[str, Metric]) -> dict[str, Metric]:
    """The numbers of that name: of that place, or at any place whose first or last part it is."""
    parts = {name: name.split(".", 1) for name in known}
    found = {n: m for n, m in known.items() if n == asked or asked in (parts[n][0], parts[n][-1])}
    if not found:
        names = {*known, *(part for both in parts.values() for part in both)}
        raise UnknownName("number of this command", asked, names)
    return found


def _earlier(options: argparse.Namespace) -> dict[str, Any]:
    """The earlier document.

    Raises:
        InputError: it is no document of this command, or of another collection.
    """
    from core.workbench import gates

    path = options.against
    try:
        document = json.loads(read_text(str(path)))
    except ValueError as error:
        raise InputError(f"{path} is not JSON. Write it with: {_same_command(options)}.") from error
    if not isinstance(document, dict) or not gates.metrics(document):
        raise InputError(
            f"{path} holds no numbers of this command. Write it with: {_same_command(options)}."
        )
    name = document.get("collection", options.name)
    if name != options.name:
        raise InputError(f"{path} is of the collection '{name}', not of '{options.name}'.")
    return document


def _same_command(options: argparse.Namespace) -> str:
    return f"sextant {options.verb} {options.name} --json"


def _write_junit(path: Path, criteria: tuple[Criterion, ...], options: argparse.Namespace) -> None:
    """One test case for each criterion; what is undecided is skipped, or fails with --strict."""
    from xml.etree import ElementTree

    def problem(c: Criterion) -> str:
        if c.outcome == "undecided":
            return "failure" if options.strict else "skipped"
        return "failure" if c.outcome == "fail" else ""

    kinds = [problem(c) for c in criteria]
    suite = ElementTree.Element(
        "testsuite",
        name=f"sextant {options.verb} {options.name}",
        tests=str(len(criteria)),
        failures=str(kinds.count("failure")),
        skipped=str(kinds.count("skipped")),
        errors="0",
    )
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", name="command", value=options.command)
    for c, kind in zip(criteria, kinds, strict=True):
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"sextant.{options.verb}.{options.name}",
            name=f"{c.metric}: {c.rule}",
        )
        if kind:
            ElementTree.SubElement(case, kind, message=c.sentence)
        ElementTree.SubElement(case, "system-out").text = c.sentence
    ElementTree.indent(suite)
    try:
        path.write_bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
