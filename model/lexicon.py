"""The lists of names in the repository (`model/names/`), and lists of a user's own."""

from pathlib import Path

from .runtime.lexicon import Lexicon, read_lists

EMBEDDED = "embedded"
FOLDER = Path(__file__).parent / "names"


def load_lexicon(name: str | None) -> Lexicon:
    """`embedded`, a folder of `<list>.txt`, or None for no lists. ModelError when the folder holds none."""
    if name is None:
        return Lexicon.empty()
    return read_lists(FOLDER if name == EMBEDDED else Path(name))
