"""The notebook runs from its first cell to its last, and what it finds is true."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "a_look_inside.ipynb"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path, avatar_directory: Path, held_out_video: Path) -> None:
    shutil.copytree(avatar_directory, tmp_path / "models" / "demo")
    (tmp_path / "recordings").mkdir()
    shutil.copy(held_out_video, tmp_path / "recordings" / "demo_real.mp4")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5


def test_the_notebook_is_committed_without_outputs() -> None:
    """Outputs are pictures of faces and change at every run: they don't belong into the history."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
