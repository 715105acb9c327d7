"""Measurements of speed and recall, each beside an alternative in the same run."""
