from benchmarks.quality.entrants.crf_features import char_kind, sentence_features


def test_kinds_of_characters() -> None:
    assert "".join(char_kind(char) for char in "부ㄱ釜A3 ·Я") == "HHCLDSPA"


def test_a_list_of_features_for_every_character() -> None:
    sentence = "부산시는 3일 왔다."
    features = sentence_features(sentence)
    assert len(features) == len(sentence)
    assert all(features) and sentence_features("") == []


def test_the_eojeol_is_seen_from_where_the_character_stands() -> None:
    features = sentence_features("시장은 부산시는 3일")
    third = set(features[6])  # 시 of 부산시는
    assert {"c0=시", "e=부산시는", "from=부산시", "to=시는", "e-1=시장은", "e+1=3일", "begin=2", "end=2"} <= third
    assert {"g2,-1=산시", "g3,-2=부산시", "k3=HHH", "suf-1,1=은"} <= third


def test_the_edges_of_a_sentence_differ_from_characters() -> None:
    first, *_, last = sentence_features("부산")
    assert {"c-1=⊢", "e-1=⊢", "e+1=⊣"} <= set(first)
    assert "c1=⊣" in last


def test_double_and_leading_spaces_keep_characters_in_step() -> None:
    sentence = " 부산  시"
    features = sentence_features(sentence)
    assert len(features) == len(sentence)
    assert "e=시" in features[5] and "e=부산" in features[1]
