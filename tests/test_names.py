"""Every `core.x.y` or `pages.x.y` that a docstring names in backticks exists."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
NAME = re.compile(r"`((?:core|pages)(?:\.\w+)+)(?:\(\))?`")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def named():
    """(file, name) of all of them, once each."""
    found = set()
    for path in (p for folder in ("core", "pages") for p in (TOP / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, DOCUMENTED):
                for name in NAME.findall(ast.get_docstring(node) or ""):
                    found.add((path.relative_to(TOP).as_posix(), name))
    return sorted(found)


def resolve(name):
    """The module that a dotted name is, or the attribute of one."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if not name.startswith(error.name or "-"):
            raise
        parent, _, last = name.rpartition(".")
        return getattr(resolve(parent), last)


@pytest.mark.parametrize(("path", "name"), named())
def test_a_name_in_a_docstring_resolves(path, name):
    resolve(name)
