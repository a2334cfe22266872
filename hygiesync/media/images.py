"""Reading a still picture of any usual kind as upright RGB."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError, MissingDependencyError
from hygiesync.media.container import PathLike
from hygiesync.media.picture_colours import in_srgb

FORMATS = ("PNG", "JPEG", "AVIF", "WEBP", "GIF", "BMP", "TIFF")

_KINDS = "PNG, JPEG, HEIC, AVIF, WebP, GIF, BMP or TIFF"

MAX_PIXELS = 80_000_000
"""A picture of more pixels is taken for a decompression bomb: a small file that fills the memory."""

MAX_SIDE = 1920
"""A picture with a longer side is scaled down to it: what moves is shown as video."""

MIN_SIDE = 64

_AVIF_SPEED = 8
"""Of 10: 7 and 6 save 1 and 7 % of the bytes for 1.7 and 3 times the time."""


def read_still(
    path: PathLike, max_side: int = MAX_SIDE, warn: Callable[[str], None] | None = None
) -> NDArray[np.uint8]:
    """A picture as it is meant to be seen: upright, in sRGB, on white where it is transparent, 8 bits a colour.

    Parameters
    ----------
    path : str or os.PathLike
        PNG, JPEG, HEIC, AVIF, WebP, GIF, BMP or TIFF; grey, CMYK, with a palette, with alpha, with a colour profile,
        or of 16 bits. Of several pages the first.
    max_side : int
        Longest side of the result, pixels.
    warn : callable, optional
        Told when the picture is scaled, or its colours can't be known for certain.

    Returns
    -------
    ndarray, shape (H, W, 3), uint8, RGB

    Raises
    ------
    InputError
        When the file is missing, is no such picture, is damaged, too small or too large.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    name = os.fspath(path)
    tell = warn or (lambda message: None)
    reads_heif = _reads_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata and of size, which is checked here
            with Image.open(path, formats=(*FORMATS, "HEIF") if reads_heif else FORMATS) as opened:
                size = opened.size
                _check_size(name, size)
                if opened.format in ("JPEG", "MPO"):
                    opened.draft("RGB", (max_side, max_side))
                picture = _as_rgb(in_srgb(ImageOps.exif_transpose(opened), lambda note: tell(f"{name}: {note}")))
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; expected a picture") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder; expected a picture") from None
    except PermissionError:
        raise InputError(f"{name}: may not be read by this user; expected a picture") from None
    except Image.DecompressionBombError:
        raise InputError(_too_large(name)) from None
    except UnidentifiedImageError:
        if not reads_heif and _is_heif(Path(name)):
            raise MissingDependencyError(
                f"{name}: HEIC pictures need pillow-heif, which is not installed; pip install 'hygiesync[photo]'"
            ) from None
        raise InputError(f"{name}: is no picture; expected a {_KINDS} file") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(f"{name}: can't be read as a picture ({error}); save it again as PNG") from error
    if max(picture.size) > max_side:
        picture = ImageOps.contain(picture, (max_side, max_side), Image.Resampling.LANCZOS)
    image = np.array(picture, np.uint8)
    if max(size) > max_side:
        tell(f"{name}: {size[0]}x{size[1]} pixels are scaled so that the longer side has {max_side}")
    return image


def read_png(path: Path) -> NDArray[np.uint8]:
    """A picture (H, W, n), uint8, as :func:`write_png` wrote it.

    Raises
    ------
    OSError
        When it can't be read.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as picture:
            return np.array(picture, np.uint8)
    except (Image.DecompressionBombError, SyntaxError) as error:
        raise OSError(str(error)) from error


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture (H, W, 3 or 4), uint8, RGB or RGBA, without loss.

    Raises
    ------
    OSError
        When the file can't be written.
    """
    from PIL import Image

    Image.fromarray(picture).save(path, format="PNG")


def _check_size(name: str, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise InputError(_too_large(name))
    if min(size) < MIN_SIDE:
        raise InputError(f"{name}: expected a picture of at least {MIN_SIDE}x{MIN_SIDE} pixels, got {width}x{height}")


def _too_large(name: str) -> str:
    return f"{name}: has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller first"


def _reads_heif() -> bool:
    """Have pictures of phones read as well, where pillow-heif is installed; whether it is."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _is_heif(path: Path) -> bool:
    """Whether a file's first bytes are those of a HEIC picture (ISO/IEC 23008-12)."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc")


def _as_rgb(picture: Any) -> Any:
    """A PIL picture in RGB, on white."""
    from PIL import Image

    if picture.mode.startswith(("I", "F")):
        grey = np.asarray(picture).astype(np.float64)
        full = 65535.0 if grey.max(initial=0) > 255 or picture.mode.startswith("I;16") else 255.0
        if picture.mode == "F" and grey.max(initial=0) <= 1:
            full = 1.0
        return Image.fromarray(np.rint(np.clip(grey / full, 0, 1) * 255).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    return picture.convert("RGB")


def jpeg_of(picture: NDArray[np.uint8], quality: int = 85) -> bytes:
    """A picture (H, W, 3), uint8, RGB, as JPEG.

    Parameters
    ----------
    picture : ndarray
    quality : int
        1 to 95, as libjpeg counts it.
    """
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=quality)
    return file.getvalue()


def encode_avif(picture: NDArray[np.uint8], quality: int) -> bytes:
    """AVIF of a picture (H, W, 3), uint8, RGB, with full chroma.

    Parameters
    ----------
    picture : ndarray
    quality : int
        0 to 100, on libavif's scale.
    """
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="AVIF", quality=quality, subsampling="4:4:4", speed=_AVIF_SPEED)
    return file.getvalue()


def label_of(text: str, height: int) -> NDArray[np.uint8]:
    """A line of white letters on black, as a picture (H, W, 3), uint8, RGB.

    Parameters
    ----------
    text : str
    height : int
        Of the letters, pixels.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(height)
    left, top, right, bottom = font.getbbox(text)
    rim = max(2, height // 4)
    image = Image.new("RGB", (round(right - left) + 2 * rim, round(bottom - top) + 2 * rim))
    ImageDraw.Draw(image).text((rim - left, rim - top), text, fill=(255, 255, 255), font=font)
    return np.array(image, np.uint8)


def rgb_of(jpeg: bytes) -> NDArray[np.uint8]:
    """The picture (H, W, 3), uint8, RGB, of a JPEG; the inverse of :func:`jpeg_of`.

    Raises
    ------
    InputError
        When it is none.
    """
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            return np.array(picture.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"expected a JPEG picture, got something else ({error})") from error
