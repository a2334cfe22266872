r"""What a mouth of a given shape is expected to look like, learnt from all of a person's mouths.

The landmarks of a single picture are noisy: two mouths with the same landmarks may differ in how far the lips are
really apart. Drawn one after the other they flicker, and each is a little wrong. What all pictures together say of a
shape is far more certain. So each atlas picture's *look* (its pixels around the lips, on the mouth's canvas, as a few
principal components: its *code*) is regressed on its shape, and the regression serves twice:

* the retrieval prefers pictures that look as their shape should, and that go on looking as the last one did;
* what remains between the retrieved picture's look and the expected one is added to it. It is coarse, a few pixels
  wide, so that light, gap and teeth rise and fall smoothly through every jump, while the fine detail stays that of one
  real picture: nothing is blurred, nothing is a ghost of two.

The regression is kernel ridge regression with a Gaussian kernel; of a large atlas only some pictures are centres
(the Nystroem method)::

    code(shape)  =  sum over centres c of  weight_c  exp(-|shape - c|^2 / 2 width^2)

References
----------
Cootes, Edwards & Taylor, *Active Appearance Models*, 2001 (look and shape as principal components); Saunders, Gammerman
& Vovk, *Ridge regression learning algorithm in dual variables*, 1998; Williams & Seeger, *Using the Nystroem method to
speed up kernel machines*, 2001.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

N_COMPONENTS = 128
_MAX_CENTRES = 1000
_MAX_FITTED = 1500
_RIDGE = 0.1
"""Share of the kernel's own variance that counts as noise of a single picture."""

_WIDTH_SAMPLE = 800


@dataclass(frozen=True)
class AppearanceModel:
    """The look of one person's mouth.

    Attributes
    ----------
    basis : ndarray, shape (n_components, h * w * 3), float32
        Looks in the canvas's box around the lips, levels of 255 for a code of 1.
    centres : ndarray, shape (n_centres, n_features), float32
        Shape features, as from :class:`hygiesync.rendering.features.ShapeFeatures`.
    weights : ndarray, shape (n_centres, n_components), float32
    width : float
        Of the kernel, canonical units.
    """

    basis: NDArray[np.float32]
    centres: NDArray[np.float32]
    weights: NDArray[np.float32]
    width: float

    @classmethod
    def fit(
        cls, appearances: NDArray[Any], features: NDArray[np.float32]
    ) -> tuple[AppearanceModel, NDArray[np.float32]]:
        """Model of many looks, and the code of each.

        Parameters
        ----------
        appearances : ndarray, shape (n_pictures, h * w * 3), uint8 or float
            Faded out away from the lips.
        features : ndarray, shape (n_pictures, n_features), float32

        Returns
        -------
        model : AppearanceModel
        codes : ndarray, shape (n_pictures, n_components), float32
        """
        rng = np.random.default_rng(0)
        some = np.sort(rng.permutation(len(appearances))[:_MAX_FITTED])
        mean = appearances[some].mean(0, dtype=np.float64).astype(np.float32)
        basis = _principal_directions(appearances[some] - mean, N_COMPONENTS)
        codes = np.concatenate(
            [(part - mean) @ basis.T for part in np.array_split(appearances, len(appearances) // 500 + 1)]
        )
        centres = features[np.sort(rng.permutation(len(features))[:_MAX_CENTRES])]
        width = _typical_distance(features[rng.permutation(len(features))[:_WIDTH_SAMPLE]])
        weights = _ridge_regression(features.astype(np.float64), centres.astype(np.float64), width, codes)
        return cls(basis, centres, weights.astype(np.float32), width), codes.astype(np.float32)

    def refitted(self, features: NDArray[np.float32], codes: NDArray[np.float32]) -> AppearanceModel:
        """The model as other pictures alone would make it, for looks that are to be expected of what it has not seen.

        Parameters
        ----------
        features : ndarray, shape (n_pictures, n_features), float32
        codes : ndarray, shape (n_pictures, n_components), float32
            In the same basis.
        """
        rng = np.random.default_rng(0)
        centres = features[np.sort(rng.permutation(len(features))[:_MAX_CENTRES])]
        weights = _ridge_regression(features.astype(np.float64), centres.astype(np.float64), self.width, codes)
        return replace(self, centres=centres, weights=weights.astype(np.float32))

    def expected(self, features: FloatArray) -> NDArray[np.float32]:
        """Codes (n, n_components), float32, that mouths with features (n, n_features) are expected to have."""
        return _kernel(features, self.centres, self.width) @ self.weights

    def draw(self, code: FloatArray) -> NDArray[np.float32]:
        """Look (h * w * 3,), float32, levels of 255, of a code or a difference of codes (n_components,)."""
        return code @ self.basis


def _ridge_regression(
    features: FloatArray, centres: FloatArray, width: float, codes: FloatArray
) -> NDArray[np.float64]:
    """Weights (n_centres, n_components) of the centres' kernels.

    The centres' kernels are first made orthonormal: solved as they stand, the equations would square what is nearly
    singular already, and the weights would be huge numbers that cancel.
    """
    values, vectors = np.linalg.eigh(_kernel(centres, centres, width))
    kept = values > 1e-7 * values[-1]
    whitening = vectors[:, kept] / np.sqrt(values[kept])
    inputs = _kernel(features, centres, width) @ whitening
    return whitening @ np.linalg.solve(inputs.T @ inputs + _RIDGE * np.eye(kept.sum()), inputs.T @ codes)


def _kernel(a: FloatArray, b: FloatArray, width: float) -> FloatArray:
    """Gaussian kernel (n_a, n_b) between features (n_a, n_features) and (n_b, n_features)."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)
    return np.exp(np.maximum(squares, 0) * (-0.5 / width**2))


def _typical_distance(features: FloatArray) -> float:
    """Median distance between features (n, n_features)."""
    squares = (features**2).sum(1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * features @ features.T, 0))
    return max(float(np.median(distances)), 1e-6)


def _principal_directions(centred: FloatArray, n_directions: int) -> NDArray[np.float32]:
    """Orthonormal rows (n, dimension), float32: the first principal directions of rows that have no mean.

    There are fewer rows than dimensions, so they are found among the rows' own inner products; what is left of these
    in the direction that the mean took away is float32's rounding, and none of theirs.
    """
    values, vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64))
    kept = np.argsort(values)[::-1][:n_directions]
    kept = kept[values[kept] > 1e-6 * max(float(values.max()), 1e-6)]
    directions = (vectors[:, kept].T @ centred) / np.sqrt(values[kept])[:, None]
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(1)])
    return (directions * signs[:, None]).astype(np.float32)
