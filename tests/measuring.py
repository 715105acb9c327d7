"""Short ways to ask one diagnostic for one number."""

from core.measure.diagnostics import DIAGNOSTICS


def find(name, given, scope=None, **settings):
    """The finding of one scope; the only one when no scope is named."""
    found = DIAGNOSTICS.get(name)(given, **settings)
    chosen = [f for f in found if scope in (None, f.scope)]
    assert len(chosen) == 1, [f.scope for f in found]
    return chosen[0]


def value(name, given, scope=None, **settings):
    return find(name, given, scope, **settings).value
