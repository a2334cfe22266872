"""How far predicted openings are stretched: until they vary as much as the person's own.

A least-squares prediction varies less than what it predicts, the less of it can be heard.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hygiesync.learning.dataset import LabelledClip
from hygiesync.learning.ensemble import Ensemble, WholeEnsemble
from hygiesync.learning.network import SpeechToShape
from hygiesync.learning.whole_network import WholeSpeechToShape

AnyNetwork = SpeechToShape | Ensemble | WholeSpeechToShape | WholeEnsemble

GAIN_BOUNDS = (0.8, 1.4)
"""Beyond these a gain tells of something else than caution."""


@torch.no_grad()
def calibrate_opening(network: AnyNetwork, clips: list[LabelledClip]) -> None:
    """Set each head's gain to std(real opening) / std(predicted opening) over some clips.

    Parameters
    ----------
    network : SpeechToShape, WholeSpeechToShape, or an ensemble of them
        Its gains are 1 so far. Early heads are stretched to the same: how much the person's opening varies does not
        depend on when one is asked.
    clips : list of LabelledClip
        What was learnt from. Measured on held-out clips the gain would be fitted to the very numbers that are to tell
        how good it is.
    """
    real: list[NDArray[Any]] = []
    predicted: list[list[NDArray[Any]]] = [[] for _ in range(1 + len(network.settings.early_frames))]
    for clip in clips:
        main, early, _ = network.predict(torch.from_numpy(clip.heard)[None])
        for openings, answer in zip(predicted, (main, *early), strict=True):
            openings.append(network.opening(answer[0][clip.is_known]).numpy())
        real.append(network.opening(torch.from_numpy(clip.coefficients[clip.is_known])).numpy())
    real_std = float(np.concatenate(real).std())
    predicted_stds = [float(np.concatenate(openings).std()) for openings in predicted]
    gains = [float(np.clip(real_std / std, *GAIN_BOUNDS)) if std > 0 else 1.0 for std in predicted_stds]
    network.opening_gain.fill_(gains[0])
    network.early_opening_gain.copy_(torch.tensor(gains[1:]))
