"""Who may import whom: imports point down, heavy libraries stay in their rooms."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
LEVELS = [
    {"core.errors"},
    {"core.types"},
    {"core.selection"},
    {
        "core.expressions",
        "core.formulas",
        "core.prompts",
        "core.registry",
        "core.neighbors",
        "core.spectra",
        "core.sampling",
        "core.nulls",
        "core.kernels",
        "core.fixed_encodings",
        "core.late_interaction",
        "core.fusion",
    }
    | {
        "core.verdicts",
        "core.geodesics",
        "core.cells",
        "core.labels",
        "core.rarefaction",
        "core.gates",
        "core.disparity",
        "core.trends",
        "core.advice",
        "core.comparison",
        "core.subsets",
        "core.zero_shot",
    },
    {"core.findings", "core.rivals", "core.centring", "core.gap", "core.local"}
    | {
        "core.composition",
        "core.frames",
        "core.pooling",
        "core.prototypes",
        "core.shapes",
        "core.sketch",
        "core.trial",
    },
    {"core.inverted_file"},
    {"core.encoders", "core.ingest", "core.store", "core.jobs", "core.uploads"}
    | {"core.diagnostics", "core.probes", "core.projections", "core.rerankers"}
    | {"core.hub_corrections"},
    {"core.analogies", "core.lookalikes"}
    | {"core.pipeline", "core.search", "core.evaluate", "core.demo", "core.encoder_report"}
    | {"core.bias", "core.label_search"},
    {"core.mixing"},
    {"core.views", "core.asking", "core.svg"},
    {"core.exhibits", "core.detail", "core.explanation"},
    {"core.workbench", "core.catalog"},
    {"core.background", "core.documents", "core.html_report", "core.serve", "core.bench"},
    {"core.cli", "pages.parts"},
    {"pages"},
    {"app"},
]
ROOMS = {
    "torch": ("core/encoders/", "core/bench/encoder.py"),
    "open_clip": ("core/encoders/",),
    "openvino": ("core/encoders/",),
    "lancedb": ("core/store",),
    "PIL": ("core/ingest/", "core/encoders/", "core/demo.py", "core/bench/"),
    "streamlit": ("pages/", "app.py"),
}
PAGE_MAY = {"streamlit", "core", "pages"}


def sources():
    files = [TOP / "app.py", *(TOP / "core").rglob("*.py"), *(TOP / "pages").rglob("*.py")]
    return [(f.relative_to(TOP).as_posix(), ast.parse(f.read_text("utf-8"))) for f in files]


def imports(tree, *, typing=False):
    """Modules a file imports, those for type checking only left out."""
    skipped = set()
    if not typing:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
                skipped.update(map(id, ast.walk(node)))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module in ("core", "pages"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def home_of(module):
    """The room a module belongs to and its level; (None, None) for other people's modules."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for level, rooms in enumerate(LEVELS):
            if name in rooms:
                return name, level
    return None, None


@pytest.mark.parametrize(("path", "tree"), sources(), ids=[p for p, _ in sources()])
def test_imports_point_down(path, tree):
    module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    if module in ("core", "pages"):
        return
    room, level = home_of(module)
    assert room, f"{module} is on no level: put it on one in this test"
    for imported in imports(tree):
        other, other_level = home_of(imported)
        if other is None or other == room:
            continue
        assert other_level < level, f"{path} imports {imported}, which is not below it"


@pytest.mark.parametrize(("path", "tree"), sources(), ids=[p for p, _ in sources()])
def test_heavy_libraries_stay_in_their_rooms(path, tree):
    for imported in imports(tree):
        rooms = ROOMS.get(imported.partition(".")[0])
        assert rooms is None or path.startswith(rooms), f"{path} imports {imported}"


@pytest.mark.parametrize("path", sorted(p.as_posix() for p in (TOP / "pages").glob("*/*.py")))
def test_pages_read_call_and_draw(path):
    if "/parts/" in path:
        return
    tree = ast.parse(Path(path).read_text("utf-8"))
    for imported in imports(tree):
        assert imported.partition(".")[0] in PAGE_MAY, f"{path} imports {imported}"
    assert not any(isinstance(n, ast.Try) for n in ast.walk(tree)), f"{path} has a try"


def test_nothing_lies_directly_in_pages():
    """Streamlit would list such a file by itself and run it without the frame."""
    assert [p.name for p in (TOP / "pages").glob("*.py") if p.name != "__init__.py"] == []


def test_the_door_opens_without_heavy_libraries():
    heavy = ["torch", "open_clip", "openvino", "streamlit", "lancedb", "umap", "sklearn"]
    code = f"import sys, core.workbench; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
