"""Fitted transformations of a Space that improve retrieval."""

from core.improve.compression import Compressed, compressed, fit_way, parse_way
from core.improve.compression_file import compressed_from_bytes, compressed_to_bytes
from core.improve.compressors import COMPRESSORS, FittedCompressor
from core.improve.decoder import decoder
from core.improve.fitting import with_progress
from core.improve.hub_bias import corrected, random_half
from core.improve.hub_corrections import HUB_CORRECTIONS
from core.improve.multiplexing import attribute_shares
from core.improve.quantizers import Codes, taken
from core.improve.recipe import Recipe, Step, fit_recipe, parse_steps
from core.improve.recipe_file import LOADER, fingerprint, from_bytes, to_bytes
from core.improve.recipe_onnx import NO_ONNX, ONNX_LOADER, has_onnx, to_onnx
from core.improve.repairs import REPAIRS

__all__ = [
    "COMPRESSORS",
    "HUB_CORRECTIONS",
    "LOADER",
    "NO_ONNX",
    "ONNX_LOADER",
    "REPAIRS",
    "Codes",
    "Compressed",
    "FittedCompressor",
    "Recipe",
    "Step",
    "attribute_shares",
    "compressed",
    "compressed_from_bytes",
    "compressed_to_bytes",
    "corrected",
    "decoder",
    "fingerprint",
    "fit_recipe",
    "fit_way",
    "from_bytes",
    "has_onnx",
    "parse_steps",
    "parse_way",
    "random_half",
    "taken",
    "to_bytes",
    "to_onnx",
    "with_progress",
]
