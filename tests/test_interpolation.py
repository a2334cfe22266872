"""Steps with soft ends, and peaks between samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiesync.array_types import FloatArray
from hygiesync.interpolation import peak_offset, smoothstep


def test_a_smooth_step_is_the_cubic_that_is_level_at_both_ends() -> None:
    share = np.linspace(0, 1, 101)
    np.testing.assert_allclose(smoothstep(share), 3 * share**2 - 2 * share**3, atol=1e-15)
    slope = np.gradient(smoothstep(share), share)
    assert slope.min() > 0
    assert max(slope[0], slope[-1]) < 0.04
    assert slope[50] == pytest.approx(1.5, abs=1e-3)


def test_beyond_its_ends_it_stays() -> None:
    np.testing.assert_array_equal(smoothstep(np.array([-np.inf, -2.0, 0.0, 1.0, 7.0])), [0, 0, 0, 1, 1])
    assert smoothstep(-1.0) == 0
    assert smoothstep(3.0) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_smooth_step_keeps_the_dtype_and_leaves_what_it_was_given(dtype: type[np.float32] | type[np.float64]) -> None:
    share: FloatArray = np.array([[-1.0, 0.25], [0.5, 2.0]], dtype)
    before = share.copy()
    found = smoothstep(share)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, [[0, 0.15625], [0.5, 1]])
    np.testing.assert_array_equal(share, before)


@given(st.floats(-3, 3), st.floats(0.1, 5), st.floats(-2, 2))
def test_the_peak_of_a_parabola_is_found_exactly(peak: float, width: float, height: float) -> None:
    values = height - ((np.arange(-5, 6) - peak) / width) ** 2
    best = int(values.argmax())
    assert best - 5 + peak_offset(values, best) == pytest.approx(peak, abs=1e-9)


def test_at_an_end_and_on_a_plateau_the_peak_is_the_sample() -> None:
    assert peak_offset(np.array([3.0, 2.0, 1.0]), 0) == 0
    assert peak_offset(np.array([1.0, 2.0, 3.0]), 2) == 0
    assert peak_offset(np.array([1.0, 1.0, 1.0]), 1) == 0
    assert peak_offset(np.array([5.0]), 0) == 0
