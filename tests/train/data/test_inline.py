"""The plain-text form: what it means, that nothing is lost on the way there and back, and what every mistake is told."""

import re
from dataclasses import replace
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model.runtime.document import Document, Entity, Relation, read_jsonl, write_jsonl
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATION_TYPES, RELATIONS
from model.runtime.sentences import sentence_spans
from train.data.corpus import SPLITS, Corpus
from train.data.inline import InlineArticle, format_inline, parse_inline, read_inline, write_inline

HEADER = "source: 자체 작성\n---\n"


def parse(body: str) -> InlineArticle:
    """Parses sentence and relation lines; the body begins on line 3."""
    return parse_inline(HEADER + body, "a", "a.txt")


def triples(document: Document) -> set[tuple[str, str, str]]:
    return {(document.entity(r.head).text, r.type, document.entity(r.tail).text) for r in document.relations}


# What the form means


def test_header_sentences_paragraphs_and_marks() -> None:
    source = (
        "source: 부산시 누리집\ngenre: press release\npages:= [1, 2]\n---\n"
        "[부산시/C1], [수소/F1] 협력\n> C1 COOPERATES_IN F1\n\n[박/P1] 시장이 갔다.\n[3일/D1] 왔다.\n"
    )
    document = parse_inline(source, "a", "a.txt").document
    assert document == Document(
        id="a",
        title="부산시, 수소 협력",
        text="부산시, 수소 협력\n박 시장이 갔다. 3일 왔다.",
        source="부산시 누리집",
        meta={"genre": "press release", "pages": [1, 2]},
        entities=(
            Entity("T1", 0, 3, "CITY", "부산시"),
            Entity("T2", 5, 7, "FIELD", "수소"),
            Entity("T3", 11, 12, "PERSON", "박"),
            Entity("T4", 21, 23, "DATE", "3일"),
        ),
        relations=(Relation("R1", "T1", "T2", "COOPERATES_IN"),),
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("가.\n나.", "가. 나."),
        ("가.\n\n나.", "가.\n나."),
        ("가.\n\n\n나.", "가.\n\n나."),
        ("\n\n가.\n\n\n", "가."),
        (r"\[가\] \\ 나", r"[가] \ 나"),
        (r"\> 가", "> 가"),
        (r"\---", "---"),
        (r"\s가\t나\n다\r라\s", " 가\t나\n다\r라 "),
        ("가---> 나", "가---> 나"),
        ("가.\n \t\n나.\n\u3000\n \n", "가.\n나."),  # lines that only look blank are blank
        (r"\＞ 가", "＞ 가"),
        ("\\\u3000", "\u3000"),
        ("", ""),
    ],
)
def test_text(body: str, text: str) -> None:
    assert parse(body).document.text == text


@pytest.mark.parametrize(
    ("mark", "surface"),
    [("[부산/C1]", "부산"), ("[TCP/IP/F1]", "TCP/IP"), ("[a//F1]", "a/"), (r"[\[가\]\\/O1]", "[가]\\"), ("[다/C1/C1]", "다/C1")],
)
def test_surface_of_a_mark(mark: str, surface: str) -> None:
    document = parse(f"앞 {mark}뒤").document
    assert [e.text for e in document.entities] == [surface]
    assert document.text == f"앞 {surface}뒤"


def test_lists_on_both_sides_mean_every_combination() -> None:
    document = parse("[가/C1] [나/C2] [다/F1] [라/F2]\n> C1, C2 COOPERATES_IN F1 ,F2\n").document
    assert triples(document) == {(city, "COOPERATES_IN", field) for city in "가나" for field in "다라"}


def test_relation_ids_are_those_of_the_sentence_above() -> None:
    document = parse("[가/C1]와 [나/C2]\n\n[다/C1]와 [라/C2]\n\n> C1 COOPERATES_WITH C2\n").document
    assert triples(document) == {("다", "COOPERATES_WITH", "라")}


def test_symmetric_relations_are_stored_with_the_earlier_mention_first() -> None:
    document = parse("[가/P1]와 [나/P2]가 [다/C1]를\n> P2 MEETS P1\n> P2 VISITS C1\n").document
    assert [(r.head, r.type, r.tail) for r in document.relations] == [("T1", "MEETS", "T2"), ("T2", "VISITS", "T3")]


def test_heads_with_equal_tails_share_a_line() -> None:
    body = (
        "[가/C1] [나/C2] [다/C3] [라/F1] [마/F2]\n"
        "> C2 COOPERATES_IN F2\n> C1 COOPERATES_IN F1\n> C3 COOPERATES_IN F2\n> C1 COOPERATES_WITH C2\n"
        "> C2 COOPERATES_IN F1\n> C1 COOPERATES_IN F2\n"
    )
    assert format_inline(parse(body).document) == (
        f"{HEADER}[가/C1] [나/C2] [다/C3] [라/F1] [마/F2]\n"
        "> C1 COOPERATES_WITH C2\n> C1,C2 COOPERATES_IN F1,F2\n> C3 COOPERATES_IN F2\n"
    )


@pytest.mark.parametrize("end", ["--- ", "---\t", "---\u3000"])
def test_white_space_after_the_end_of_the_header(end: str) -> None:
    assert parse_inline(f"source: 가\n{end}\n나.\n", "a", "a.txt").document.text == "나."


def test_a_file_with_a_byte_order_mark_keeps_its_source(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(HEADER + "가.\n", encoding="utf-8-sig")
    assert read_inline(path).document.source == "자체 작성"


def test_the_examples_of_the_guideline_are_in_the_form(repository: Path) -> None:
    guideline = (repository / "data/annotations/GUIDELINES.md").read_text(encoding="utf-8")
    examples = [block for block in re.findall(r"^```\n(.*?)^```", guideline, re.DOTALL | re.MULTILINE) if "\n---\n" in block]
    assert examples
    for number, block in enumerate(examples):
        article = parse_inline(block, "a", f"example {number}")
        assert article.misplaced_breaks() == []
        assert article.document.relations


# There and back


AWKWARD = [
    *"＞ 부산시 가 다. [ ] \\ / : /C1] [가/C1] > >가 --- - . ? ” “ ( ) \\s \\n \\> 😀 é".split(),
    *(" ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", "> C1 VISITS C2", "\n---\n", "다.\n", "다. ", "다.  "),
    *("\x00", "\x0b", "\x85", "\xa0", "\u2028", "\u2029", "\u3000", "\ufeff", "\u1100\u1161"),
]
texts = st.lists(st.sampled_from(AWKWARD) | st.text(max_size=4), max_size=25).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
metas = st.dictionaries(st.sampled_from(["genre", "date", "두 낱말", "=", "---", ">", "#"]), json_values, max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Documents as the schema allows them, numbered as the compiler numbers, over texts that strain the form."""
    text = draw(texts)
    entities: list[Entity] = []
    triples: list[tuple[Entity, str, Entity]] = []
    for start, end in sentence_spans(text):
        inside: list[Entity] = []
        for left, right in pairwise(sorted(draw(st.sets(st.integers(start, end), max_size=7)))):
            if draw(st.booleans()):
                inside.append(
                    Entity(f"T{len(entities) + len(inside) + 1}", left, right, draw(st.sampled_from(LABELS)), text[left:right])
                )
        entities.extend(inside)
        allowed = [
            (head, kind.name, tail)
            for head, tail in permutations(inside, 2)
            for kind in RELATION_TYPES
            if kind.allows(head.label, tail.label) and (head.start < tail.start or not kind.symmetric)
        ]
        if allowed:
            triples.extend(draw(st.lists(st.sampled_from(allowed), unique=True, max_size=8)))
    triples.sort(key=lambda t: (min(t[0].start, t[2].start), RELATIONS.index(t[1]), t[0].start, t[2].start))
    return Document(
        id="a",
        text=text,
        title=text.partition("\n")[0],
        source=draw(texts),
        meta=draw(metas),
        entities=tuple(entities),
        relations=tuple(Relation(f"R{n}", head.id, tail.id, kind) for n, (head, kind, tail) in enumerate(triples, 1)),
    )


def plain(text: str) -> Document:
    return Document("a", text, title=text.partition("\n")[0])


@given(documents())
@example(plain("가" * 2_001 + "다. 나"))
@example(plain("> 가\n>나\n---"))
@example(plain(" "))
@example(plain("\n"))
@example(plain("가.\n \n나."))
@example(plain("가.\n\u3000\n나.\n\n\u3000＞ 다."))
@example(plain("\u3000"))
@example(replace(plain("가"), source="= 1"))
def test_generated_documents_survive_the_files(tmp_path: Path, document: Document) -> None:
    write_jsonl(tmp_path / "before.jsonl", [document])
    (before,) = read_jsonl(tmp_path / "before.jsonl")
    assert before == document
    write_jsonl(tmp_path / "after.jsonl", [read_inline(write_inline(before, tmp_path)).document])
    (after,) = read_jsonl(tmp_path / "after.jsonl")
    assert after == document
    assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "before.jsonl").read_bytes()


@settings(max_examples=50)
@given(documents())
def test_the_written_form_is_a_fixed_point(document: Document) -> None:
    written = format_inline(document)
    assert format_inline(parse_inline(written, "a", "a.txt").document) == written


@settings(max_examples=50)
@given(documents())
def test_every_mention_knows_its_line(document: Document) -> None:
    written = format_inline(document)
    lines, article = written.split("\n"), parse_inline(written, "a", "a.txt")
    for index, entity in enumerate(document.entities):
        alone = parse(lines[article.line_of(index) - 1]).document
        assert (entity.label, entity.text) in [(e.label, e.text) for e in alone.entities]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("> 가", r"\> 가"),
        ("---", r"\---"),
        ("＞ 가", r"\＞ 가"),
        ("\u3000", "\\\u3000"),  # would be a blank line
        ("\u3000> 가", "\\\u3000> 가"),  # would be a relation out of its column
        (" 가 ", r"\s가\s"),  # an editor may trim what stands at the edges
        ("가\t나\r\n 다", r"가\t나\r\n 다"),  # no plain break, so it stays on one line
        (r"[가]\나", r"\[가\]\\나"),
    ],
)
def test_what_would_be_misread_is_escaped(text: str, written: str) -> None:
    assert format_inline(plain(text)) == f"source: \n---\n{written}\n"


@pytest.mark.parametrize("split", SPLITS)
def test_the_compiled_corpus_survives(repository: Path, split: str) -> None:
    for document in Corpus(repository / "data/annotations").read(split):
        back = parse_inline(format_inline(document), document.id, document.id).document
        assert back == document
        assert back.to_dict() == document.to_dict()


def test_the_annotated_files_survive(repository: Path, tmp_path: Path) -> None:
    for path in Corpus(repository / "data/annotations").inline_files():
        document = read_inline(path).document
        assert read_inline(write_inline(document, tmp_path)).document == document


# What has no inline form


def test_mentions_that_overlap_are_refused() -> None:
    document = parse("[부산/C1][시청/O1]").document
    first, second = document.entities
    assert parse(format_inline(document).removeprefix(HEADER)).document == document
    with pytest.raises(DataError, match=r"^a: T2 “산시청” overlaps the mention before it$"):
        format_inline(replace(document, entities=(first, replace(second, start=1, text="산시청"))))


def test_a_mention_across_sentences_is_refused() -> None:
    document = Document("a", "간다. 온다.", (Entity("T1", 0, 5, "ORG", "간다. 온"),), title="간다. 온다.")
    with pytest.raises(DataError, match=r"^a: a mention crosses a sentence boundary"):
        format_inline(document)


def test_a_relation_across_sentences_is_refused() -> None:
    document = parse("[가/C1] 간다.\n[나/C1] 온다.").document
    with pytest.raises(DataError, match=r"^a: a relation joins two sentences"):
        format_inline(replace(document, relations=(Relation("R1", "T1", "T2", "VISITS"),)))


@pytest.mark.parametrize("key", ["", "source", " a", "a\t", "a:b", "a\nb", "a\rb"])
def test_a_meta_key_that_the_header_cannot_hold_is_refused(key: str) -> None:
    with pytest.raises(DataError, match=f"^a: the meta key {re.escape(repr(key))} cannot stand in a header"):
        format_inline(replace(plain("가"), meta={key: "b"}))


@pytest.mark.parametrize("name", ["", "../a", ".a", "a/b", "a b", "a\n"])
def test_an_id_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="does not do as a file name"):
        write_inline(replace(plain("가"), id=name), tmp_path)
    assert list(tmp_path.iterdir()) == []


# What mistakes are told

BAD_HEADERS = [
    ("source: 가\n가.\n", 1, "no line “---” ends the header"),
    ("source: 가\r\n---\r\n가.\r\n", 1, "Windows line ends"),
    ("source: 가\n---\n가.\n나.\r\n", 4, "Windows line ends"),
    ("source: 가\n\ngenre\n---\n가.\n", 3, "a header line reads “key: value”"),
    ("source: 가\n: 나\n---\n가.\n", 2, "a header line reads “key: value”"),
    ("date: 1\nsource: 가\ndate: 2\n---\n가.\n", 3, "the key “date” is there twice"),
    ("source: 가\npages:= [1\n---\n가.\n", 2, "what follows “:=” should be JSON"),
]
BAD_BODIES = [
    ("[가/C1] [나/C1]", 3, "two marks are called C1"),
    ("가.\n[가/C1", 4, "a mark is not closed"),
    ("[가 [나/C1]/O1]", 3, "a mark begins inside another one"),
    ("가/C1]", 3, "“]” without “["),
    ("[가]", 3, "the mark “가” should end in “/” and one of P O C F D with a number"),
    ("[가/나]", 3, "the mark “가/나” should end in"),
    ("[가/X1]", 3, "the mark “가/X1” should end in"),
    ("[가/C]", 3, "the mark “가/C” should end in"),
    ("[가/C0]", 3, "the mark “가/C0” should end in"),
    ("[/C1]", 3, "the mark C1 is empty"),
    (r"가\나", 3, r"“\나” is no escape"),
    ("가\\", 3, "“\\” is no escape"),
    ("[가/C1] [나/C2]\n> C1 VISITS", 4, "a relation line reads “> HEADS TYPE TAILS”"),
    ("[가/C1] [나/C2]\n> C1 visits C2", 4, "a relation line reads"),
    ("[가/C1] [나/C2]\n> C1,,C2 VISITS C2", 4, "a relation line reads"),
    (
        "[가/C1] [나/C2]\n > C1 VISITS C2",
        4,
        "begins with “>” in the first column; a sentence that begins with “>” is written “\\>”",
    ),
    ("[가/C1] [나/C2]\n\u3000> C1 VISITS C2", 4, "begins with “>” in the first column"),
    ("[가/C1] [나/C2]\n＞ C1 VISITS C2", 4, "a sentence that begins with “＞” is written “\\＞”"),
    ("가\\ ", 3, "“\\ ” is no escape"),
    ("> C1 VISITS C2\n[가/C1] [나/C2]", 3, "a relation stands before any sentence"),
    ("[가/C1] [나/C2]\n> C1 LIKES C2", 4, "unknown relation type “LIKES”; the types are HEAD_OF, "),
    ("[가/C1]\n\n[나/C2]\n> C2 VISITS C1", 6, "C1 is not marked in the sentence above (line 5)"),
    ("[가/C1] [나/F1]\n> C1 VISITS F1", 4, "VISITS goes from CITY/ORG/PERSON to CITY/ORG, not from CITY “가” to FIELD “나”"),
    ("[가/C1] [나/C2]\n> C1 VISITS C2,C1", 4, "VISITS joins C1 to itself"),
    ("[가/C1] [나/C2]\n> C1 VISITS C2\n> C1 VISITS C2", 5, "C1 VISITS C2 is there twice"),
    ("[가/P1] [나/P2]\n> P1 MEETS P2\n> P2 MEETS P1", 5, "P2 MEETS P1 is there twice"),
]


@pytest.mark.parametrize(
    ("source", "line", "message"), [*BAD_HEADERS, *((f"{HEADER}{body}\n", line, message) for body, line, message in BAD_BODIES)]
)
def test_mistakes_name_file_and_line(source: str, line: int, message: str) -> None:
    with pytest.raises(DataError) as raised:
        parse_inline(source, "a", "folder/a.txt")
    assert str(raised.value).startswith(f"folder/a.txt:{line}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_long_relation_line_without_a_type_is_refused_at_once() -> None:
    # A pattern that lets a comma be part of an id as well tries every way to split the list: 2^60 of them.
    with pytest.raises(DataError, match="a relation line reads"):
        parse("가.\n> " + ",".join(f"C{n}" for n in range(1, 61)) + " F1")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.txt: cannot be read"):
        read_inline(tmp_path / "missing.txt")
    (tmp_path / "korean.txt").write_bytes("부산".encode("cp949"))
    with pytest.raises(DataError, match=r"korean\.txt: is not UTF-8 text"):
        read_inline(tmp_path / "korean.txt")


@pytest.mark.parametrize(
    ("bad", "good", "line", "message"),
    [
        ("제목\n\n갔다. 또 왔다.", "제목\n\n갔다.\n또 왔다.", 5, "is more than one sentence; begin a new line at “또 왔다.”"),
        ("제목\n\n또\n왔다.", "제목\n\n또 왔다.", 6, "goes on with the sentence of the line above; join the two lines"),
    ],
)
def test_lines_that_are_no_sentences_are_found(bad: str, good: str, line: int, message: str) -> None:
    assert [str(finding) for finding in parse(bad).misplaced_breaks()] == [f"a.txt:{line}: {message}"]
    assert parse(good).misplaced_breaks() == []
