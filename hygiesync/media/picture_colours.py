"""A still picture's colours in sRGB: by its own profile, or by what phones note in its place.

Cameras and phones store colours beyond sRGB (Display P3), and printers' pictures are inks (CMYK). The profile inside
says what they look like; shown without it, they are pale or too bright.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from av.video.reformatter import ColorPrimaries, ColorTrc

from hygiesync.media.colours import to_srgb

_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


def in_srgb(picture: Any, tell: Callable[[str], None]) -> Any:
    """A PIL picture with the colours of an ordinary screen.

    Parameters
    ----------
    picture : PIL.Image.Image
        With its `info`; what it says of no other colours comes back as it is.
    tell : callable
        Told when a profile can't be used.

    Returns
    -------
    PIL.Image.Image
        RGB, or RGBA where one could see through; any mode where nothing was to be done.
    """
    profile = picture.info.get("icc_profile")
    if profile:
        return _by_profile(picture, profile, tell)
    noted = picture.info.get("nclx_profile")
    return _as_noted(picture, noted) if noted else picture


def _by_profile(picture: Any, profile: bytes, tell: Callable[[str], None]) -> Any:
    from PIL import ImageCms

    alpha = None
    if picture.mode in _WITH_ALPHA or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        alpha, picture = picture.getchannel("A"), picture.convert("RGB")
    elif picture.mode == "P":
        picture = picture.convert("RGB")
    made: Any
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        made = ImageCms.profileToProfile(
            picture,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        tell(f"its colour profile can't be used ({error}), so its colours are taken as they are")
        made = picture.convert("RGB")
    if alpha is not None:
        made.putalpha(alpha)
    return made


def _as_noted(picture: Any, noted: dict[str, Any]) -> Any:
    """Colours by the numbers of ITU-T H.273 that HEIC has in place of a profile."""
    from PIL import Image

    transfer, primaries = noted.get("transfer_characteristics"), noted.get("color_primaries")
    is_wide = primaries in (ColorPrimaries.BT2020, ColorPrimaries.SMPTE432)
    if picture.mode != "RGB" or not (is_wide or transfer in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)):
        return picture
    known = ColorPrimaries(int(primaries or 0)) if is_wide else ColorPrimaries.BT709
    made = to_srgb(np.asarray(picture, np.float32) / 255, int(transfer or ColorTrc.BT709), known)
    return Image.fromarray(np.rint(made * 255).astype(np.uint8))
