"""Names of files as Windows writes them. What the batch job does with files: `test_distributed`, which needs Ray."""

from pathlib import Path, PurePath, PureWindowsPath

import pytest

pytest.importorskip("pyarrow", reason="needs pip install 'dosilink[ray]'")

from model.runtime import batch_files
from model.runtime.batch_files import Output, list_input


def _as_on_windows(monkeypatch: pytest.MonkeyPatch, folder: PurePath) -> None:
    class WindowsPath(PureWindowsPath):
        def absolute(self) -> PurePath:
            return folder / self.as_posix()

    monkeypatch.setattr(batch_files, "Path", WindowsPath)


def test_an_output_has_a_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    _as_on_windows(monkeypatch, PureWindowsPath("C:/data"))
    output = Output.open("news\\out")
    assert (output.path, output.state) == ("C:/data/news/out", "C:/data/news/.out.partial")


@pytest.mark.parametrize("name", ["news", "news\\*.parquet", "*\\1.parquet", "news\\1.parquet"])
def test_files_of_a_folder_and_a_pattern(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "news/1.parquet").touch()
    _as_on_windows(monkeypatch, tmp_path)
    assert list_input(name)[1] == [f"{tmp_path}/news/1.parquet"]
