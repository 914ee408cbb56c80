"""Everything of dosilink that runs without torch. In the exported wheel this folder is the package `dosilink`.

from dosilink import predict
document = predict("부산시는 …")
"""

from functools import cache
from pathlib import Path
from typing import overload

from .document import Document, Entity, Relation
from .errors import DosilinkError
from .predictor import Predictor

__version__ = "0.1.0"
__all__ = ["Document", "DosilinkError", "Entity", "Predictor", "Relation", "load", "predict"]

WEIGHTS_FOLDER = "weights"


def load(path: str | Path | None = None, threads: int | None = None) -> Predictor:
    """Opens an exported model folder, by default the one in this package. ModelError when it is missing or damaged."""
    # onnxruntime is imported only by who needs it: the torch side uses this package without it.
    from .exported import load_exported

    return load_exported(Path(path) if path is not None else Path(__file__).parent / WEIGHTS_FOLDER, threads)


@cache
def _default_predictor() -> Predictor:
    return load()


@overload
def predict(texts: str, min_score: float = 0.0) -> Document: ...


@overload
def predict(texts: list[str] | tuple[str, ...], min_score: float = 0.0) -> list[Document]: ...


def predict(texts: str | list[str] | tuple[str, ...], min_score: float = 0.0) -> Document | list[Document]:
    """Reads one article or several with the packed model, which is loaded at the first call. See `Predictor.predict`."""
    return _default_predictor().predict(texts, min_score)
