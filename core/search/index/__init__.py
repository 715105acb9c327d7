"""Finds candidates: which rows are worth an exact score."""
