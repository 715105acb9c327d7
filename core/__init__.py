"""Sextant's core: everything but the screen."""
