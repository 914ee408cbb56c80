"""Features of a character for the CRF: what stands around it, what kind of characters those are, and its eojeol.

An eojeol is what stands between spaces. Korean particles are glued to names, so that the eojeol's beginning up to the character
(a name so far) and its rest from the character on (a particle and what follows) say more than the eojeol as a whole.
"""

import unicodedata
from dataclasses import dataclass

_WINDOW = 4
_LONGEST_GRAM = 4
_GRAM_REACH = 3
_KIND_REACH = 3
_LONGEST_PART = 6
_LONGEST_AFFIX = 3


def char_kind(char: str) -> str:
    """One letter for the class of a character: Hangul, Hanja, Latin, digit, space, or punctuation and the rest."""
    if "가" <= char <= "힣" or "ㄱ" <= char <= "ㆎ":
        return "H"
    if char.isdigit():
        return "D"
    if char.isspace():
        return "S"
    if char.isalpha():
        name = unicodedata.name(char, "")
        if name.startswith("CJK"):
            return "C"
        if name.startswith(("LATIN", "FULLWIDTH LATIN")):
            return "L"
        return "A"
    return "P"


@dataclass(frozen=True)
class _Eojeol:
    start: int
    end: int
    text: str


def sentence_features(sentence: str) -> list[list[str]]:
    """Features of each character, [C][F], as names that crfsuite hashes to attributes."""
    kinds = "".join(char_kind(char) for char in sentence)
    eojeols = _eojeols(sentence)
    around = _eojeol_of(sentence, eojeols)
    return [
        [
            "bias",
            *_grams(sentence, place),
            *_kind_features(kinds, place),
            *_eojeol_features(sentence, kinds, place, around[place], eojeols),
        ]
        for place in range(len(sentence))
    ]


def _eojeols(sentence: str) -> list[_Eojeol]:
    found = []
    start = 0
    for part in sentence.split(" "):
        if part:
            found.append(_Eojeol(start, start + len(part), part))
        start += len(part) + 1
    return found


def _eojeol_of(sentence: str, eojeols: list[_Eojeol]) -> list[int]:
    """[C] index of each character's eojeol; a space belongs to the one before it."""
    owner = [0] * len(sentence)
    for index, eojeol in enumerate(eojeols):
        stop = eojeols[index + 1].start if index + 1 < len(eojeols) else len(sentence)
        owner[eojeol.start : stop] = [index] * (stop - eojeol.start)
    return owner


def _grams(sentence: str, place: int) -> list[str]:
    """Characters and character n-grams at their places relative to this one; `⊢` and `⊣` stand for the sentence's edges."""
    padded = "⊢" * _WINDOW + sentence + "⊣" * _WINDOW
    centre = place + _WINDOW
    features = [f"c{offset}={padded[centre + offset]}" for offset in range(-_WINDOW, _WINDOW + 1)]
    for size in range(2, _LONGEST_GRAM + 1):
        features.extend(
            f"g{size},{offset}={padded[centre + offset : centre + offset + size]}"
            for offset in range(-_GRAM_REACH, _GRAM_REACH + 2 - size)
        )
    return features


def _kind_features(kinds: str, place: int) -> list[str]:
    padded = "-" * _KIND_REACH + kinds + "-" * _KIND_REACH
    window = padded[place : place + 2 * _KIND_REACH + 1]
    middle = len(window) // 2
    return [
        *(f"k{offset}={window[middle + offset]}" for offset in (-2, -1, 0, 1, 2)),
        f"k3={window[middle - 1 : middle + 2]}",
        f"k5={window[middle - 2 : middle + 3]}",
        f"k7={window}",
    ]


def _eojeol_features(sentence: str, kinds: str, place: int, index: int, eojeols: list[_Eojeol]) -> list[str]:
    if not eojeols:
        return []
    eojeol = eojeols[index]
    before = eojeols[index - 1].text if index else "⊢"
    after = eojeols[index + 1].text if index + 1 < len(eojeols) else "⊣"
    inside = min(place, eojeol.end) - eojeol.start
    left = len(eojeol.text) - inside
    text = eojeol.text
    shape = _squeezed(kinds[eojeol.start : eojeol.end])
    features = [
        f"e={text}",
        f"e@={min(inside, 9)},{text}",
        f"begin={min(inside, 9)}",
        f"end={min(left, 9)}",
        f"place={min(inside, 9)}/{min(len(text), 12)}",
        f"shape={min(inside, 9)},{shape}",
        f"e-1={before}",
        f"e+1={after}",
        f"begin,e-1={min(inside, 9)},{before[-_LONGEST_AFFIX:]}",
        f"begin,e+1={min(inside, 9)},{after[:_LONGEST_AFFIX]}",
    ]
    if inside <= _LONGEST_PART:
        features.append(f"from={text[: inside + 1]}")
        features.append(f"from,end={text[: inside + 1]},{min(left, 4)}")
    if 0 < left <= _LONGEST_PART:
        features.append(f"to={text[inside:]}")
        features.append(f"to,begin={text[inside:]},{min(inside, 4)}")
    for size in range(1, _LONGEST_AFFIX + 1):
        features.append(f"pre{size}={min(inside, 9)},{text[:size]}")
        features.append(f"suf{size}={min(left, 9)},{text[-size:]}")
        features.append(f"pre-1,{size}={before[:size]}")
        features.append(f"suf-1,{size}={before[-size:]}")
        features.append(f"pre+1,{size}={after[:size]}")
        features.append(f"suf+1,{size}={after[-size:]}")
    if sentence[place] == " ":
        features.append(f"gap={before[-1:]}|{text[-1:]}|{after[:1]}")
    return features


def _squeezed(kinds: str) -> str:
    """`HHDDDH` as `H2D3H`: runs of a class, counted up to three."""
    runs: list[tuple[str, int]] = []
    for kind in kinds:
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + 1)
        else:
            runs.append((kind, 1))
    return "".join(f"{kind}{min(count, 3)}" for kind, count in runs)
