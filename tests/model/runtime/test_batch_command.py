"""The command line of the batch job: what is wrong with its arguments is said in one line, before Ray is started."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from model.export import _PYPROJECT
from model.runtime.batch import main

REPOSITORY = Path(__file__).parents[3]


def test_without_ray_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "model.runtime.distributed", raising=False)
    assert main(["--input", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: ray is not installed: pip install 'dosilink[ray]'\n"


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--batch-size", "-1"], ["--rows-per-file", "many"]])
def test_numbers_must_be_positive(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--input", "in", "--output", "out", *arguments])
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_nothing_else_imports_ray() -> None:
    code = "import sys, model.runtime.cli, model.runtime.exported, model.runtime.batch; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_the_wheel_has_the_repositorys_extra() -> None:
    wheel = tomllib.loads(_PYPROJECT.format(version="1", weights="weights"))
    repository = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert wheel["project"]["optional-dependencies"]["ray"] == repository["project"]["optional-dependencies"]["ray"]
