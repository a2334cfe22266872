"""What the packages can do: find a face, encode, speak."""

from __future__ import annotations

from importlib import import_module

from hygiesync.apps.doctor.check import Check, first_line


def find_face() -> Check:
    """Find a face in the portrait; without it, only start the detector."""
    from hygiesync.face.landmarks import LandmarkDetector

    with LandmarkDetector() as detector:
        try:
            picture = import_module("skimage.data").astronaut()
        except ImportError:
            return Check("face mesh", True, True, "starts; not tried on a face, since scikit-image is not installed")
        found = detector.detect(picture)
    if found is None:
        return Check("face mesh", False, True, "starts, but finds no face in a portrait", "run `make clean install`")
    return Check("face mesh", True, True, f"finds a portrait's {len(found)} landmarks")


def find_encoders() -> Check:
    """Whether PyAV's FFmpeg can write what `render` writes."""
    from av.codec.codec import Codec, UnknownCodecError

    missing = []
    for name in ("libx264", "aac"):
        try:
            Codec(name, "w")
        except UnknownCodecError:
            missing.append(name)
    if missing:
        fix = "run `pip install --force-reinstall --no-deps --only-binary av av`: a self-built PyAV lacks them"
        return Check("encoders", False, True, f"PyAV can't encode {' or '.join(missing)}", fix)
    return Check("encoders", True, True, "libx264 and aac")


def speak() -> Check:
    """Say a word, as `hygiesync demo` does."""
    from hygiesync.tts.espeak import synthesise

    speech = synthesise("Hello.")
    return Check("espeak", True, False, f"says a word in {speech.duration_s:.1f} s")


def open_portrait() -> Check:
    """Whether the face that `hygiesync demo` makes speak is there."""
    try:
        height, width = import_module("skimage.data").astronaut().shape[:2]
    except ImportError as error:
        fix = "run `pip install 'hygiesync[demo]'` (only `hygiesync demo` needs it)"
        return Check("portrait", False, False, first_line(error), fix)
    return Check("portrait", True, False, f"{width} x {height} px, from scikit-image")
