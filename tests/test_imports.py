"""What is imported when: speaking must start without anything that only training needs."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

TRAINING_ONLY = ("torch", "mediapipe", "librosa", "sklearn", "scipy")


def modules_after(script: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `script`."""
    tail = "\nimport sys\nprint('\\n'.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script) + tail],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["hygiesync.engine", "hygiesync.pipelines.offline", "hygiesync.apps.live.session"])
def test_speaking_imports_nothing_that_only_training_needs(module: str) -> None:
    loaded = modules_after(f"import {module}")
    assert "numpy" in loaded
    assert not loaded & set(TRAINING_ONLY)


def test_using_the_parts_that_speak_imports_nothing_more() -> None:
    """Triangles come with the avatar: with them a mesh needs no scipy either."""
    loaded = modules_after("""
        import contextlib
        from fractions import Fraction
        import numpy as np
        import hygiesync.pipelines.offline
        from hygiesync.errors import InputError
        from hygiesync.face.shape import ShapeModel
        from hygiesync.face.topology import LOWER_FACE
        from hygiesync.speech_to_shape.onnx_step import OnnxStep
        from hygiesync.rendering.appearance import AppearanceModel
        from hygiesync.rendering.atlas import Atlas, encode_picture
        from hygiesync.rendering.canvas import N_RIM, MouthCanvas
        from hygiesync.rendering.compositor import Compositor
        from hygiesync.rendering.mesh import FaceMesh
        from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame
        from hygiesync.speech.mel import mel_spectrogram

        n = len(LOWER_FACE)
        rng = np.random.default_rng(0)
        shape = ShapeModel(rng.uniform(-0.5, 1.5, (n, 2)), np.zeros((2, n * 2)), rng.normal(0, 0.01, (8, n * 2)),
                           rng.normal(size=(n * 2, 8)), np.full(8, 0.1))
        mesh = FaceMesh(shape, np.array([[0, 1, 2], [1, 2, 3]]))
        picture = np.zeros((48, 64, 3), np.uint8)
        to_picture = np.array([[40.0, 0, 50], [0, 40, 40]])
        vertices = mesh.place(shape.mean * 20 + 20, to_picture)[None]
        atlas = Atlas((encode_picture(picture),), vertices, np.zeros((1, 8), np.float32), np.zeros((1, 2), np.float32),
                      np.zeros(1, int), np.zeros((1, 3), np.float32))
        canvas = MouthCanvas(mesh.reference * 10 + 10, np.ones((20, 30), np.float32), np.ones((20, 30), np.float32),
                             np.full((600, N_RIM), 1 / N_RIM, np.float32))
        look = AppearanceModel(rng.normal(size=(3, 1800)).astype(np.float32), np.zeros((1, 11), np.float32),
                               np.zeros((1, 3), np.float32), 0.1)
        compositor = Compositor.from_models(shape, atlas, mesh, canvas, look)
        face = TemplateFace(to_picture, np.zeros(2), shape.mean * 40 + 40)
        frame = TemplateFrame(np.full((100, 120, 3), 90, np.uint8), Fraction(0), face)
        assert (compositor.render(frame, np.zeros(8, np.float32)) != frame.image).any()
        mel_spectrogram(np.zeros(16000, np.float32))
        with contextlib.suppress(InputError):
            OnnxStep(b"garbage")
    """)
    assert {"faiss", "onnxruntime", "cv2"} <= loaded
    assert not loaded & set(TRAINING_ONLY)


@pytest.mark.slow
def test_loading_an_avatar_and_speaking_imports_nothing_more(avatar_directory: Path) -> None:
    loaded = modules_after(f"""
        import numpy as np
        import hygiesync
        engine = hygiesync.Engine(hygiesync.load_avatar({str(avatar_directory)!r}), fps=25)
        assert len(list(engine.push(np.zeros(16000, np.float32)))) > 10
    """)
    assert not loaded & set(TRAINING_ONLY)


def test_the_package_itself_loads_next_to_nothing() -> None:
    loaded = modules_after("import hygiesync; hygiesync.__version__")
    assert not loaded & {"numpy", "cv2", "av", "onnxruntime", "faiss", *TRAINING_ONLY}


def test_every_public_name_is_there_and_others_are_not() -> None:
    modules_after("""
        import hygiesync
        for name in hygiesync.__all__:
            assert getattr(hygiesync, name) is not None, name
        assert not hasattr(hygiesync, "nonsense")
    """)
