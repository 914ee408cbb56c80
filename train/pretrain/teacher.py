"""A morphological analyser as teacher: which part of speech each piece begins in, and whether a morpheme begins with it.

The tags are those of kiwipiepy (Sejong's), which tell proper nouns, particles and endings apart; they become a second target of
the masked language model, so that the analyser is needed in pretraining alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Morpheme(NamedTuple):
    """A morpheme of a text: its tag, and the characters it stands in (0-based, end excluded).

    Contracted morphemes share a character: of 지난 the first is 0–2 and the ending 1–2.
    """

    tag: str
    start: int
    end: int


Teacher = Callable[[Sequence[str]], Iterator[list[Morpheme]]]

TAGS = (
    *("NNG", "NNP", "NNB", "NR", "NP", "VV", "VA", "VX", "VCP", "VCN", "MM", "MAG", "MAJ", "IC"),
    *("JKS", "JKC", "JKG", "JKO", "JKB", "JKV", "JKQ", "JX", "JC", "EP", "EF", "EC", "ETN", "ETM"),
    *("XPN", "XSN", "XSV", "XSA", "XSM", "XR", "SF", "SP", "SS", "SSO", "SSC", "SE", "SO", "SW", "SL", "SH", "SN", "SB"),
)
_OTHER = len(TAGS)  # URLs, emoji, what the analyser does not know
_CLASS_OF = {tag: number for number, tag in enumerate(TAGS)}
UNTAGGED = 0
CLASSES = 1 + 2 * (len(TAGS) + 1)


def kiwi() -> Teacher:
    """The teacher kiwipiepy, with its default model, on one thread.

    Raises:
        ImportError: kiwipiepy is not installed.
    """
    try:
        analyser = import_module("kiwipiepy").Kiwi(num_workers=1)
    except ImportError as error:
        raise ImportError("objective.teacher needs kiwipiepy: install dosilink[teacher], or set it to null") from error

    def teach(texts: Sequence[str]) -> Iterator[list[Morpheme]]:
        for tokens in analyser.tokenize(texts):
            yield [Morpheme(token.tag, token.start, token.end) for token in tokens]

    return teach


def tag_class(tag: str, begins: bool) -> int:
    """The class of a tag, 1 to ``CLASSES`` - 1; regular and irregular verbs (``VV-R``, ``VV-I``) are of one."""
    return 1 + 2 * _CLASS_OF.get(tag.partition("-")[0], _OTHER) + begins


def piece_classes(length: int, morphemes: Iterable[Morpheme], starts: Sequence[int]) -> NDArray[np.uint8]:
    """Per piece the class of the morpheme that holds its first character; ``UNTAGGED`` where none does.

    Args:
        length: characters of the text.
        morphemes: of the text, in order; a character that two share counts for the first.
        starts: first character of each piece.
    """
    classes = np.zeros(length, dtype=np.uint8)
    for tag, start, end in morphemes:
        free = np.flatnonzero(classes[start:end] == UNTAGGED) + start
        classes[free] = tag_class(tag, begins=False)
        if len(free) and free[0] == start:
            classes[start] = tag_class(tag, begins=True)
    return classes[np.asarray(starts, dtype=np.int64)]
