"""dosilink: Korean local-government news into a graph of who cooperates with whom, about what and when.

    from model import predict
    document = predict("부산시는 …")

`predict` reads with the run that finished last (or $DOSILINK_RUN); `load` opens a chosen one.
"""

from functools import cache
from pathlib import Path
from typing import overload

from .runtime.document import Document, Entity, Relation
from .runtime.errors import DosilinkError
from .runtime.predictor import Predictor

__all__ = ["Document", "DosilinkError", "Entity", "Predictor", "Relation", "load", "predict"]


def load(path: str | Path | None = None, device: str | None = None) -> Predictor:
    """Opens a run or model folder, by default the run that finished last. ModelError when there is none or it is damaged."""
    # torch takes seconds to import and `import model` should not; hence here.
    from .checkpoint import load_predictor
    from .runs import default_run, model_folder

    return load_predictor(model_folder(path if path is not None else default_run()), device)


@cache
def _default_predictor() -> Predictor:
    return load()


@overload
def predict(texts: str, min_score: float = 0.0) -> Document: ...


@overload
def predict(texts: list[str] | tuple[str, ...], min_score: float = 0.0) -> list[Document]: ...


def predict(texts: str | list[str] | tuple[str, ...], min_score: float = 0.0) -> Document | list[Document]:
    """Reads one article or several with the default model, which is loaded at the first call. See `Predictor.predict`."""
    return _default_predictor().predict(texts, min_score)
