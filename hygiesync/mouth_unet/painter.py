"""The network in use: a warped reference and the wanted shape in, a painted mouth out.

The painted mouth's detail is a mean over what may be there, so it is blurred. The reference's is real. As much of its
fine detail is put in the painted one's place as makes the mouth as sharp as the person's are (`texture`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError
from hygiesync.mouth_unet.patch import MouthPatch
from hygiesync.speech_to_shape.onnx_step import open_session

DETAIL_SIGMA_PX = 1.2
"""Standard deviation beyond which a painted patch is believed, pixels of the patch."""

_INPUTS = ["reference", "outline", "numbers"]


@dataclass(frozen=True)
class PainterFacts:
    """What goes with the network.

    Attributes
    ----------
    patch : MouthPatch
    texture : float
        Share of the fine detail that is the reference's, 0 to 1.
    detail : float
        What all fine detail is multiplied by, as much as sampling takes off.
    """

    patch: MouthPatch
    texture: float
    detail: float

    def to_json(self) -> str:
        """As the bundle holds it."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> PainterFacts:
        """Inverse of :meth:`to_json`.

        Raises
        ------
        InputError
            When it is damaged.
        """
        try:
            content = json.loads(text)
            patch = MouthPatch(**content["patch"])
            facts = cls(patch, float(content["texture"]), float(content["detail"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"the painter's facts are damaged ({error}); train the avatar again") from error
        if not (0 < patch.width <= 4096 and 0 < patch.height <= 4096 and patch.px_per_unit > 0):
            raise InputError("the painter's facts are damaged (a size is out of range); train the avatar again")
        return facts


class Painter:
    """Paints mouths. Thread-safe: it remembers nothing.

    Parameters
    ----------
    model : bytes
        ONNX, as :mod:`hygiesync.mouth_unet.learning.export` writes it.
    facts : PainterFacts

    Raises
    ------
    InputError
        When the model is another one.
    """

    def __init__(self, model: bytes, facts: PainterFacts) -> None:
        self.facts = facts
        self._session = open_session(model)
        inputs = self._session.get_inputs()
        size = [1, facts.patch.height, facts.patch.width, 3]
        if [node.name for node in inputs] != _INPUTS or list(inputs[0].shape) != size:
            raise InputError("the painter is a model of another kind; train the avatar again")

    def paint(
        self, reference: NDArray[np.uint8], outline: NDArray[np.uint8], numbers: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """A mouth.

        Parameters
        ----------
        reference : ndarray, shape (height, width, 3), uint8, RGB
            A picture of the atlas, warped to the wanted shape.
        outline : ndarray, shape (height, width, 2), uint8
            See :meth:`MouthPatch.outline`.
        numbers : ndarray, shape (n_numbers,), float32
            See :func:`hygiesync.mouth_unet.patch.numbers_of`.

        Returns
        -------
        ndarray, shape (height, width, 3), uint8, RGB
        """
        given = {"reference": reference[None], "outline": outline[None], "numbers": numbers[None]}
        (painted,) = self._session.run(["painted"], given)
        return with_texture(painted[0], reference, self.facts.texture, self.facts.detail)


def with_texture(
    painted: NDArray[np.float32], reference: NDArray[np.uint8], texture: float, detail: float
) -> NDArray[np.uint8]:
    """A painted patch with a share of the reference's fine detail in place of its own.

    Parameters
    ----------
    painted : ndarray, shape (height, width, 3), float32, levels of 255
    reference : ndarray, shape (height, width, 3), uint8
    texture : float, 0 to 1
    detail : float
        Factor of the fine detail that results.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
    """
    smooth = cv2.GaussianBlur(painted, (0, 0), DETAIL_SIGMA_PX)
    real = reference.astype(np.float32)
    real -= cv2.GaussianBlur(real, (0, 0), DETAIL_SIGMA_PX)
    fine = (1 - texture) * (painted - smooth) + texture * real
    return np.clip(np.rint(smooth + detail * fine), 0, 255).astype(np.uint8)
