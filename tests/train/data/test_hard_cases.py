"""Each rule finds its case and leaves the near miss alone."""

import pytest

from model.runtime.document import Document
from train.data.hard_cases import HARD_CASES
from train.data.inline import parse_inline

RULES = {name: rule for name, _, rule in HARD_CASES}


def articles(*bodies: str) -> list[Document]:
    return [parse_inline(f"source: 가\n---\n제목\n\n{body}\n", f"a{n}", "a").document for n, body in enumerate(bodies)]


@pytest.mark.parametrize(
    ("case", "found", "not_found"),
    [
        ("the city inside a fused title", "[부산/C1]시장은", "[부산/C1] 시장은"),
        ("surname alone with title", "[박/P1] 시장은", "[박/P1]은 시장"),
        ("city as government and as place", "[부산시/C1]는 웃었다. \n[부산/C1] 앞바다", "[부산시/C1]는 웃었다. \n[대구/C1] 일대"),
        ("a CITY surface inside an ORG elsewhere", "[부산/C1]\n[부산항만공사/O1]", "[부산/C1]\n[대구은행/O1]"),
        ("a CITY surface inside an event", "[부산/C1]에서\n2025 부산 스마트시티 엑스포", "[부산/C1]에서\n2025 스마트시티 엑스포"),
        ("a CITY surface inside an event", "[진주/C1]에서\n진주남강유등축제", "[진주/C1]에서\n남강유등축제"),
        ("a name and its alias", "[부산항만공사/O1]([BPA/O2])", "[부산항만공사/O1] ([박/P1])"),
        (
            "enumeration of 5+ fields",
            "[가/F1]·[나/F2], [다/F3] 및 [라/F4]와 [마/F5]",
            "[가/F1]·[나/F2]·[다/F3]·[라/F4] 등 [마/F5]",
        ),
        ("enumeration of 5+ cities", "[가/C1]ㆍ[나/C2]‧[다/C3], [라/C4], [마/C5]", "[가/C1]·[나/C2]·[다/C3]·[라/C4]·[마/F1]"),
        ("enumerated with ㆍ", "[가/C1]ㆍ[나/C2]", "[가/C1]·[나/C2]"),
        ("enumerated with 및", "[가/F1] 및 [나/F2]", "[가/F1] 및 [나/C1]"),
        ("a denied or cancelled visit", "[부산시/C1] 방문이 취소됐다.", "[부산시/C1]를 방문했다."),
        (
            "a denied or cancelled visit",
            "[박/P1] 시장의 [부산시/C1] 방문은 무산됐다.",
            "[박/P1] 시장은 취소된 [부산시/C1] 방문에 나섰다.\n> P1 VISITS C1",
        ),
        (
            "a paragraph of names without relation",
            "[가/C1], [나/C2].\n[다/C1], [라/C2]",
            "[가/C1], [나/C2].\n[다/C1], [라/C2]\n> C1 VISITS C2",
        ),
        (
            "two agreements in one sentence",
            "[가/C1]는 [나/C2]와 협약, [다/C3]와 협정을 맺었다.\n> C1 COOPERATES_WITH C2,C3",
            "[가/C1]는 [나/C2], [다/C3]와 협약을 맺었다.\n> C1 COOPERATES_WITH C2,C3",
        ),
        ("group words", "두 도시는 웃었다.", "두 도시락은"),
        ("ellipsis", "[3일/D1] 협약을 맺었다.", "[3일/D1] [부산시/C1]와 협약을 맺었다."),
        ("bare words that are FIELD elsewhere", "[관광/F1] 협력\n관광객이 왔다.", "[관광/F1] 협력\n손님이 왔다."),
        ("numbers that look like dates", "5년간 20주년", "[2005년/D1] 3월"),
    ],
)
def test_rules(case: str, found: str, not_found: str) -> None:
    assert list(RULES[case](articles(found)))
    assert not list(RULES[case](articles(not_found)))


def test_every_rule_takes_an_empty_corpus() -> None:
    assert [list(rule([])) for rule in RULES.values()] == [[] for _ in RULES]
