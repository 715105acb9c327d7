"""Null models."""

import numpy as np
import pytest
from scipy import stats

from core.numerics import nulls
from core.numerics.spectra import moments_of
from tests.fixtures.spaces import directions


def test_the_null_spectrum_follows_marchenko_and_pastur():
    x = directions(2000, 256)
    np.testing.assert_allclose(
        moments_of(x.astype(np.float32)).eigen[0], nulls.isotropic_spectrum(2000, 256), rtol=0.06
    )
    spectrum = nulls.isotropic_spectrum(4000, 512)
    assert spectrum.sum() == pytest.approx(1)
    assert 1 / (spectrum**2).sum() == pytest.approx(nulls.isotropic_participation(4000, 512), 1e-3)
    root = np.sqrt(spectrum)
    assert np.exp(stats.entropy(root)) == pytest.approx(nulls.isotropic_rankme(4000, 512), rel=1e-3)
    assert (nulls.isotropic_spectrum(64, 512) > 0).sum() == 64
