"""Who may import whom: six floors, imports point down, and every package has one door."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
FLOORS = [
    ("errors",),
    ("types", "registry"),
    ("numerics", "encoders", "store"),
    ("ingest", "measure", "improve"),
    ("search", "report", "export"),
    ("workbench",),
    ("cli", "api"),
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
WITHOUT_A_DOOR = {"numerics", "errors", "registry"}  # numerics: its files are its API
PAGES_MAY = {"errors", "registry", "types", "workbench", "report", "search", "measure", "improve"}
ROOMS = {
    "torch": ("core/encoders/",),
    "open_clip": ("core/encoders/",),
    "openvino": ("core/encoders/",),
    "lancedb": ("core/store/",),
    "PIL": ("core/ingest/", "core/encoders/"),
    "numba": ("core/numerics/kernels.py",),
    "pyarrow": ("core/store/", "core/ingest/readers/", "core/export/"),
    "streamlit": ("pages/", "app.py"),
}
# `sextant serve` starts the app in a process of its own: the one edge that is a string.
AS_A_STRING = ("core/cli/serve.py", "pages.parts.launch")


def trees(*folders):
    files = [p for folder in folders for p in (TOP / folder).rglob("*.py")]
    return {p.relative_to(TOP).as_posix(): ast.parse(p.read_text("utf-8")) for p in sorted(files)}


CORE, PAGES = trees("core"), {**trees("pages"), "app.py": ast.parse((TOP / "app.py").read_text())}
PACKAGES = sorted(p.name for p in (TOP / "core").iterdir() if (p / "__init__.py").exists())


def imports(tree, *, typing=True):
    """(module, name) of everything a file imports; `typing` says whether for type checkers too."""
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            skipped.update(map(id, ast.walk(node)))
    for node in ast.walk(tree):
        if id(node) in skipped and not typing:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def rooms(tree):
    """(package or module of core, module imported) for each import of core's."""
    for module, name in imports(tree):
        path = f"{module}.{name}".split(".") if module == "core" else module.split(".")
        if path[0] == "core" and len(path) > 1 and path[1] in FLOOR:
            yield path[1], module


def test_nothing_lies_loose_in_core():
    loose = {p.stem for p in (TOP / "core").glob("*.py")} - {"__init__", "errors", "registry"}
    assert not loose
    assert len(PACKAGES) <= 12
    assert set(PACKAGES) <= set(FLOOR)


@pytest.mark.parametrize("package", [*PACKAGES, "errors", "registry"])
def test_imports_point_down_and_through_doors(package):
    wrong = []
    for path, tree in CORE.items():
        if path.split("/")[1].removesuffix(".py") != package:
            continue
        for other, module in rooms(tree):
            if other == package:
                names = [name for m, name in imports(tree) if m == f"core.{package}"]
                inside = {
                    p.split("/")[2].removesuffix(".py") for p in CORE if f"core/{other}/" in p
                }
                if not path.endswith("/__init__.py") and not set(names) <= inside:
                    wrong.append(f"{path} goes through its own door: {names}")
            elif FLOOR[other] >= FLOOR[package]:
                wrong.append(f"{path} imports {module}, which is not below it")
            elif module.count(".") > 1 and other not in WITHOUT_A_DOOR:
                wrong.append(f"{path} imports {module}, which is behind a door")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_door_says_what_is_behind_it_and_defines_nothing(package):
    first, *rest = ast.parse((TOP / "core" / package / "__init__.py").read_text("utf-8")).body
    assert isinstance(first, ast.Expr)
    assert isinstance(first.value.value, str)
    for node in rest:
        is_list = isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
        assert is_list or isinstance(node, ast.ImportFrom), ast.unparse(node)


def test_pages_use_the_doors_of_the_upper_floors():
    wrong = [
        f"{path} imports {module}"
        for path, tree in PAGES.items()
        for room, module in rooms(tree)
        if room not in PAGES_MAY or (module.count(".") > 1)
    ]
    assert not wrong, "\n".join(wrong)


def test_parts_of_one_page_are_not_used_by_another():
    wrong = []
    for path, tree in PAGES.items():
        own = path.split("/")[2] if path.count("/") == 3 else None
        for module, _ in imports(tree):
            its = module.split(".")
            if path.startswith("pages/parts/") and its[:2] == ["pages", "parts"] and len(its) > 2:
                folder = its[2] if (TOP / "pages/parts" / its[2]).is_dir() else None
                if folder and folder != own:
                    wrong.append(f"{path} imports {module}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", ROOMS)
def test_heavy_libraries_stay_in_their_rooms(library):
    wrong = [
        path
        for path, tree in {**CORE, **PAGES}.items()
        if not path.startswith(ROOMS[library])
        and any(module.partition(".")[0] == library for module, _ in imports(tree, typing=False))
    ]
    assert not wrong, f"{library}: {wrong}"


PAGE_FILES = [p for p in PAGES if p.startswith("pages/") and "/parts/" not in p]


@pytest.mark.parametrize("path", PAGE_FILES)
def test_pages_read_call_and_draw(path):
    tree = PAGES[path]
    assert {m.partition(".")[0] for m, _ in imports(tree)} <= {"streamlit", "core", "pages"}
    assert not any(isinstance(n, ast.Try) for n in ast.walk(tree)), f"{path} has a try"
    assert len((TOP / path).read_text("utf-8").splitlines()) <= 60


def test_nothing_lies_directly_in_pages():
    """Streamlit would list such a file by itself and run it without the frame."""
    assert [p.name for p in (TOP / "pages").glob("*.py") if p.name != "__init__.py"] == []


def test_the_edge_that_is_a_string_leads_somewhere():
    path, module = AS_A_STRING
    assert module in (TOP / path).read_text("utf-8")
    assert (TOP / f"{module.replace('.', '/')}.py").exists()


def test_the_door_opens_without_heavy_libraries():
    heavy = ["torch", "open_clip", "openvino", "streamlit", "lancedb", "umap", "sklearn"]
    code = f"import sys, core.workbench; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
