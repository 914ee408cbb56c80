"""Where a run comes from: code, data, machine, versions."""

import hashlib
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from .data.corpus import SPLITS, Corpus

_CODE = Path(__file__).parent
_PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "seqeval")


def provenance(corpus: Corpus, seed: int) -> dict[str, Any]:
    """Git commit (with `+changes` when the tree differs from it), SHA-256 of the data, seed, versions, machine."""
    return {
        "commit": _commit(),
        "seed": seed,
        **data_hashes(corpus),
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        + (torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"),
        "threads": torch.get_num_threads(),
    }


def data_hashes(corpus: Corpus) -> dict[str, str]:
    """SHA-256 of each split's file, under the names that provenance has for them."""
    return {f"{split}.jsonl sha256": file_sha256(corpus.jsonl(split)) for split in SPLITS}


def _commit() -> str:
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, cwd=_CODE).stdout.strip()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, or `missing`."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
