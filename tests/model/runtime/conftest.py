"""Fixtures of the runtime's tests."""

from pathlib import Path

import pytest
from stream_files import job_in

from model.runtime.stream import StreamJob


@pytest.fixture
def job(tmp_path: Path) -> StreamJob:
    return job_in(tmp_path)
