"""A recipe as an ONNX model: what a server with onnxruntime applies to its own queries."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import numpy as np

from core.errors import MissingPart
from core.improve.recipe import Recipe
from core.improve.repairs import Layer, RowMap
from core.types import KINDS, Passport

OPSET, IR = 17, 8  # that onnxruntime reads since 1.12
NO_ONNX = (
    "An ONNX file needs the library onnx, which is not installed. Install it with: "
    'pip install "sextant-embeddings[onnx]"'
)
ONNX_LOADER = """\
import onnxruntime

session = onnxruntime.InferenceSession("recipe.onnx")
queries, = session.run(["text_queries"], {"vectors": vectors})  # (n, d) float32 unit rows
"""


def has_onnx() -> bool:
    """Whether an ONNX file can be written: the library `onnx` is installed."""
    return find_spec("onnx") is not None


def to_onnx(recipe: Recipe, passport: Passport) -> bytes:
    """The ONNX model of a recipe that was fitted on vectors of an encoder.

    Input `vectors` (n, d) in single precision; outputs `image_rows`, `text_rows`, `image_queries`
    and `text_queries` (n, e), of which a caller asks for one. Steps and passport are in the
    model's metadata. A hub correction is not in it: it moves no vector.

    Raises:
        MissingPart: the library `onnx` is not installed.
    """
    if not has_onnx():
        raise MissingPart(NO_ONNX)
    from onnx import helper

    graph = _Graph(helper)
    outputs = []
    for kind in KINDS:
        for part in ("rows", "queries"):
            name, at = f"{kind}_{part}", "vectors"
            for one in recipe.fitted:
                maps = (one.queries if part == "queries" else None) or one.rows
                at = graph.repaired(at, maps[kind])
            graph.node("Identity", [at], name)
            outputs.append(helper.make_tensor_value_info(name, 1, ["n", "e"]))
    given = helper.make_tensor_value_info("vectors", 1, ["n", passport.d])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "sextant_recipe", [given], outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="sextant",
    )  # fmt: skip
    steps = [{"name": step.name, "settings": dict(step.settings)} for step in recipe.steps]
    about = {"steps": json.dumps(steps), "passport": passport.to_json()}
    helper.set_model_props(model, about)
    data: bytes = model.SerializeToString()
    return data


class _Graph:
    """Nodes and constants under names of their own."""

    def __init__(self, helper: Any) -> None:
        self._helper = helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, inputs: list[str], output: str = "", **how: Any) -> str:
        """Append a node; the name of its output."""
        output = output or f"t{len(self.nodes)}"
        outputs = [output, f"{output}_places"] if operator == "TopK" else [output]
        self.nodes.append(self._helper.make_node(operator, inputs, outputs, **how))
        return output

    def constant(self, values: Any) -> str:
        """Append an array; its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(values)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def repaired(self, rows: str, by: RowMap) -> str:
        """Rows mapped and divided by their lengths."""
        moved = rows if by.matrix is None else self.node("MatMul", [rows, self.constant(by.matrix)])
        moved = self.node("Add", [moved, self.constant(by.shift)])
        if by.layer:
            moved = self.node("Add", [moved, self._layer(rows, by.layer)])
        length = self.node("ReduceL2", [moved], axes=[1], keepdims=1)
        return self.node("Div", [moved, length])

    def _layer(self, rows: str, by: Layer) -> str:
        units = self.node("MatMul", [rows, self.constant(by.inner)])
        units = self.node("Add", [units, self.constant(by.bias)])
        if by.best:
            of_parts = self.constant(np.array([-1, by.parts, len(by.bias) // by.parts]))
            units = self.node("Reshape", [units, of_parts])
            best = self.node("TopK", [units, self.constant(np.array([by.best]))])
            least = self.node("ReduceMin", [best], axes=[2], keepdims=1)
            above = self.node("GreaterOrEqual", [units, least])
            zero = self.constant(np.zeros((), np.float32))
            units = self.node("Where", [above, units, zero])
            units = self.node("Reshape", [units, self.constant(np.array([-1, len(by.bias)]))])
        else:
            units = self.node("Relu", [units])
        return self.node("MatMul", [units, self.constant(by.outer)])
