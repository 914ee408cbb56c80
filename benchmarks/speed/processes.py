"""The benchmark's side of a worker."""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from model.runtime.errors import DosilinkError

_REPOSITORY = Path(__file__).parents[2]


class WorkerError(DosilinkError):
    """An entrant's process has ended before its work was done."""


class Worker:
    """A process that loads an entrant when it is made and computes only when it is asked to."""

    def __init__(self, name: str, job: dict[str, Any]) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed.worker", json.dumps(job)],
            cwd=_REPOSITORY,
            env=_environment(job["threads"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )
        try:
            self._answer()
        except BaseException:
            self.close()
            raise
        self.cold_seconds = time.perf_counter() - started
        """From the start of the process to its first prediction: interpreter, imports, loading, one article."""

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request; WorkerError when the process has died."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return dict(json.loads(line))
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines() or ["nothing"]
        raise WorkerError(f"{self.name}: its process ended with code {self._process.returncode}, its last word was: {said[-1]}")

    def close(self) -> None:
        """Ends the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # closing sends what a dead process did not take
                    stream.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _environment(threads: int) -> dict[str, str]:
    """Libraries take the number of threads from here at their import; tokenizers stay out of it."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    settings = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    return os.environ | dict.fromkeys(names, str(threads)) | settings
