"""The targets of the corpus tools in the Makefile: they pass options on, and install nothing into another checkout."""

import re
import subprocess
from pathlib import Path

import pytest


def recipe(makefile: str, target: str) -> list[str]:
    """The command lines of a target."""
    found = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found, target
    return [line.removeprefix("\t") for line in found[1].splitlines()]


@pytest.fixture
def makefile(repository: Path) -> str:
    return (repository / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "target", ["data", "check-data", "links", "statistics", "coverage", "overlap", "publish", "verify-export"]
)
def test_options_reach_the_command(makefile: str, target: str) -> None:
    (line,) = recipe(makefile, target)
    assert line.endswith(" $(ARGS)")


@pytest.mark.parametrize("target", ["$(STAMP)", "$(BENCH)"])
def test_an_environment_behind_a_link_is_refused(makefile: str, target: str, tmp_path: Path) -> None:
    assert recipe(makefile, target)[0] == "$(OWN_ENVIRONMENT)"
    found = re.search(r"^OWN_ENVIRONMENT = @(.*)$", makefile, re.MULTILINE)
    assert found
    command = found[1].replace("$(VENV)", ".venv")

    def refused() -> str:
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode != 0) == bool(done.stderr)
        return done.stderr

    assert refused() == ""
    (tmp_path / ".venv").mkdir()
    assert refused() == ""
    (tmp_path / ".venv").rmdir()
    (tmp_path / "other").mkdir()
    (tmp_path / ".venv").symlink_to("other")
    assert refused() == "error: .venv is a symbolic link, another checkout's environment; remove the link\n"
