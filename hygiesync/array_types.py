"""Names for arrays that several dtypes fit; where one dtype is meant, ``NDArray[np.float32]`` says so."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]
"""float32 or float64."""

IntArray: TypeAlias = NDArray[np.integer[Any]]
"""Integers of any width."""
