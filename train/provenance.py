"""Where a run comes from: code, data, machine, versions."""

import hashlib
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from model.encoder import encoder_folder

from .data.corpus import SPLITS, Corpus

_CODE = Path(__file__).parent
_ENCODER_FILES = ("config.json", "tokenizer.json", "model.safetensors", "pytorch_model.bin", "heads.safetensors")
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


def encoder_hash(name: str) -> dict[str, str]:
    """SHA-256 of what an encoder's local folder gives a run; empty for a hub id and for random weights."""
    folder = encoder_folder(name)
    files = [folder / file for file in _ENCODER_FILES if (folder / file).is_file()]
    whole = hashlib.sha256("".join(f"{path.name} {file_sha256(path)}\n" for path in files).encode()).hexdigest()
    return {"encoder sha256": whole} if files else {}


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
