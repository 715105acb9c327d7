"""Sextant's core: everything but the screen."""

from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
ASSETS = TOP / "assets"
