from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.backend import Completion, LlmRequest
from agent.llm.pii import Redactor
from agent.llm.redact import RedactingBackend
from agent.llm.scripted import ScriptedBackend
from agent.llm.streams import collect

FOUND = {
    "email": [
        "ann.lee+shop@mail.example.co.uk",
        "müller@beispiel.de",
        "x_1@sub.example.museum",
        "li＠example.cn",
        "o'neil@example.ie",
        "张三@例子.中国",
        "zhang@例子.公司",
        "张三@example.com",
    ],
    "phone": [
        "+49 30 1234567",
        "+1 (555) 123-4567",
        "0049 171 1234567",
        "(555) 123-4567",
        "555-123-4567",
        "13812345678",
        "138 1234 5678",
        "010-12345678",
        "0171/1234567",
        "+86 138-1234-5678",
        "１３８１２３４５６７８",
        "(010)12345678",
        "（010）12345678",
        "06 12 34 56 78",
        "01.23.45.67.89",
        "＋８６ １３８ １２３４ ５６７８",
        "00491711234567",
        "04532 1234",
        "+49\u00a030\u20131234567",
    ],
    "card": [
        "4111 1111 1111 1111",
        "4111111111111111",
        "3782-822463-10005",
        "5555 5555 5555 4444",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20131111\u20131111\u20131111",
        "4111.1111.1111.1111",
        "3782.822463.10005",
        "5901234123457",  # an EAN that passes the Luhn check
    ],
    "iban": [
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "de89370400440532013000",
        "ＤＥ８９３７０４００４４０５３２０１３０００",
    ],
    "ip": ["192.168.1.17", "8.8.8.8", "2001:db8::ff00:42:8329", "fe80::1", "::ffff:192.0.2.128"],
    "url": [
        "https://shop.example.com/u/ann?token=abc#x",
        "http://10.0.0.1:8080/a(b)",
        "www.example.org/anna",
        "ftp://files.example.net/a.txt",
    ],
}
KEPT = [
    "Milk 2% 1.5 L for 12.99, item 1052920",
    "2017-05-01 18:00:00 to 2017-06-30",
    "1,469,307 purchases of 2,469 households",
    "Windows 10.0.19045, version 1.2.3",
    "4111 1111 1111 1112",  # Luhn does not fit
    "DE88 3704 0044 0532 0130 00",  # mod 97 does not fit
    "999.1.1.1 and 1.2.3.4.5",
    "std::vector, a:b:c, 12:30:45",
    "UPC 036000291452",
    "0.5 0.25 0.125; 1-2-3; 100-200",
    "C01 C02 C03: 87, 12, 0",
    "@handle and user@localhost",
    "《三体》 刘慈欣，2008 年，第 1 版",
    "ISBN 978-3-16-148410-0",
    "0000 0000 0000 0000",
    "UPC 0012345678905",
    "00 7123456",
    "No. 001 2345678",
    "100-200-3000 count",
    "016 1234, 56 pack",
    "01-02-2017 12345",
    "Level 42: a::b",
    "4111.1111.1111.1112, 12.99 3.49 5.00 4.11 11.11 2.50",
]
CASES = [(kind, text) for kind, texts in FOUND.items() for text in texts]


@pytest.mark.parametrize(("kind", "text"), CASES)
@pytest.mark.parametrize("around", ["{}", "mail {}, please.", "联系方式：{}。谢谢", "({})", "a\n{}\nb"])
def test_what_identifies_people_is_replaced_and_put_back(kind, text, around):
    redactor = Redactor()
    whole = around.format(text)
    hidden = redactor.hide(whole)
    assert hidden == around.format(f"⟨{kind}-1⟩")
    assert redactor.restore(hidden) == whole
    assert redactor.counts == {kind: 1}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("网址https://a.example/c，好", "网址⟨url-1⟩，好"),
        ("请看https://a.example/c谢谢", "请看⟨url-1⟩谢谢"),
        ("见www.example.com吧", "见⟨url-1⟩吧"),
        ("电话+49 30 1234567转5", "电话⟨phone-1⟩转5"),
        ("邮箱zhang@example.com吧", "邮箱⟨email-1⟩吧"),
        ("86-010-12345678", "86-⟨phone-1⟩"),
    ],
)
def test_han_text_and_prefixes_may_stand_next_to_it(text, hidden):
    redactor = Redactor(text)
    assert redactor.hide(text) == hidden
    assert redactor.restore(hidden) == text


@pytest.mark.parametrize("text", KEPT)
def test_what_does_not_is_left(text):
    assert Redactor().hide(text) == text


def test_an_iban_and_a_card_end_where_they_check():
    redactor = Redactor()
    text = "IBAN DE89 3704 0044 0532 0130 00 AND 4111 1111 1111 1111 12 ITEMS"
    assert redactor.hide(text) == "IBAN ⟨iban-1⟩ AND ⟨card-1⟩ 12 ITEMS"


def test_the_same_one_gets_the_same_placeholder_throughout_a_request():
    redactor = Redactor()
    assert redactor.hide("a@b.de, c@d.de, a@b.de") == "⟨email-1⟩, ⟨email-2⟩, ⟨email-1⟩"
    assert redactor.hide("c@d.de") == "⟨email-2⟩"


def test_a_placeholder_that_stands_in_the_text_is_not_given_out():
    texts = ("a@b.de", "the title ⟨email-1⟩ is odd")
    redactor = Redactor(*texts)
    hidden = [redactor.hide(text) for text in texts]
    assert hidden == ["⟨email-2⟩", "the title ⟨email-1⟩ is odd"]
    assert [redactor.restore(text) for text in hidden] == list(texts)


PLANTED = st.sampled_from([text for _, text in CASES])
PLAIN = st.text(alphabet="ab z,.:;!?()\n。，中文🎬", max_size=12)


@given(st.lists(st.tuples(PLAIN, PLANTED), min_size=1, max_size=5))
def test_any_mixture_comes_back_whole_and_leaves_nothing(parts):
    text = " ".join(f"{plain} {planted} ;" for plain, planted in parts)
    redactor = Redactor(text)
    hidden = redactor.hide(text)
    assert redactor.restore(hidden) == text
    bare = re.sub(r"⟨[a-z]+-\d+⟩", " ", hidden)
    assert not any(planted in bare for _, planted in parts), hidden


@given(st.text(max_size=200))
def test_any_text_comes_back(text):
    redactor = Redactor(text)
    assert redactor.restore(redactor.hide(text)) == text


@pytest.mark.parametrize(
    "long",
    [
        "1 " * 20_000,
        "a" * 50_000,
        "1.2." * 10_000,
        ":::" * 10_000,
        "a@" * 20_000,
        "a@" + "b." * 20_000 + "1",
        "www." * 10_000,
        "http://" * 8_000,
        "(" * 30_000,
        "http://a" + "(" * 20_000 + ")" * 30_000,
        "AB12" * 10_000,
        "0-" * 20_000,
        "⟨email-" * 8_000,
        "张@" * 20_000,
        "张@" + "子." * 20_000 + "1",
        "4111." * 10_000,
        "06 " * 20_000,
    ],
)
def test_long_texts_take_no_time(long):
    started = time.perf_counter()
    Redactor().hide(long)
    assert time.perf_counter() - started < 10


REQUEST = LlmRequest(
    "Answer to ann@example.com",
    "Card 4111 1111 1111 1111, see https://example.com/ann",
    "test",
    schema={"type": "object", "properties": {"to": {"enum": ["ann@example.com"]}}},
    stop=("13812345678",),
)


def test_the_model_sees_placeholders_only_and_the_caller_the_answer_in_clear():
    answer = {"to": "⟨email-1⟩", "list": [{"⟨card-1⟩": "<url-1>"}], "n": 3}
    inner = ScriptedBackend([Completion('{"to": "⟨email-1⟩"}', "m", data=answer)])
    completion = RedactingBackend(inner).complete(REQUEST)
    (seen,) = inner.requests
    assert seen.system == "Answer to ⟨email-1⟩" and seen.user == "Card ⟨card-1⟩, see ⟨url-1⟩"
    assert seen.schema == {"type": "object", "properties": {"to": {"enum": ["⟨email-1⟩"]}}}
    assert seen.stop == ("⟨phone-1⟩",)
    assert completion.text == '{"to": "ann@example.com"}'
    assert completion.data == {
        "to": "ann@example.com",
        "list": [{"4111 1111 1111 1111": "https://example.com/ann"}],
        "n": 3,
    }


def test_placeholders_that_were_never_given_out_are_left():
    inner = ScriptedBackend(["⟨email-7⟩ <b>bold</b> a < b ⟨"])
    assert RedactingBackend(inner).complete(REQUEST).text == "⟨email-7⟩ <b>bold</b> a < b ⟨"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stream_is_restored_across_its_pieces(size):
    whole = "Hi ⟨email-1⟩, a < b, <card-1> ⟨ end ⟨url-1"

    class Pieces(ScriptedBackend):
        def stream(self, request):
            for start in range(0, len(whole), size):
                yield whole[start : start + size]
            return Completion(whole, "m")

    pieces, completion = collect(RedactingBackend(Pieces([])).stream(REQUEST))
    assert "".join(pieces) == completion.text
    assert completion.text == "Hi ann@example.com, a < b, 4111 1111 1111 1111 ⟨ end ⟨url-1"
    assert len(pieces) > 2


def test_scored_texts_are_hidden():
    inner = ScriptedBackend([], score_function=lambda prefix, text: [-1.0])
    RedactingBackend(inner).score("by a@b.de", ["to a@b.de", "to c@d.de"])
    assert inner.scored == [("by ⟨email-1⟩", ("to ⟨email-1⟩", "to ⟨email-2⟩"))]
