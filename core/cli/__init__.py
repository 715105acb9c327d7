"""`sextant`: the same verbs as the pages, on the command line."""

from core.cli.main import main

__all__ = ["main"]
