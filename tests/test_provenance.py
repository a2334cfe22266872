"""What a made file says of itself: true for every method, and found again in the file."""

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from media_files import tags_of

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.manifest import FROM_PHOTO, Manifest
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.media.video import VideoWriter


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("has_consent", [True, False])
def test_every_method_is_told_in_the_file(tmp_path: Path, method: Method, has_consent: bool) -> None:
    tags = Provenance(method, "Zoë’s “face”", has_consent).tags()
    with VideoWriter(tmp_path / "made.mp4", 64, 48, Fraction(25), metadata=tags) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8), Fraction(0))
    found = tags_of(tmp_path / "made.mp4")
    assert {name: found[name] for name in tags} == tags
    assert method.value in found["comment"]
    assert json.loads(found["description"])["method"] == method.value
    assert json.loads(found["description"])["face"] == "Zoë’s “face”"
    assert found["comment"].endswith(": stated." if has_consent else "not stated.")


def test_only_speech_from_sound_says_so() -> None:
    told = {method: Provenance(method, "me", False).tags()["comment"] for method in Method}
    assert [method for method, comment in told.items() if "recorded sound" in comment] == [Method.FROM_SOUND]


@pytest.mark.parametrize(("origin", "part"), [("video", "the mouth was made"), (FROM_PHOTO, "the face was made")])
def test_an_avatar_passes_on_its_origin_and_consent(origin: str, part: str) -> None:
    manifest = Manifest(name="me", lookahead=8, width=64, height=48, fps="25", origin=origin, consent="stated")
    avatar = cast(Avatar, SimpleNamespace(manifest=manifest))
    tags = Provenance.from_avatar(avatar, Method.FROM_SOUND).tags()
    assert part in tags["comment"]
    assert tags["comment"].endswith("Consent of the person shown: stated.")
    assert tags["title"] == "me (synthetic media)"
