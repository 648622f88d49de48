"""The quick lexer reads what graphql-core's own lexer reads."""

from pathlib import Path

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind
from hypothesis import given
from hypothesis import strategies as st

from router.sdl.lexer import SchemaLexer

CORPUS = sorted((Path(__file__).parents[1] / "composition" / "corpus").glob("*/*.graphql"))


def tokens(lexer):
    """Return all tokens, or the error at their end."""
    found = []
    try:
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            found.append((token.kind, token.start, token.end, token.value))
    except GraphQLSyntaxError as error:
        found.append((error.message, error.positions))
    return found


def check(text):
    assert tokens(SchemaLexer(Source(text))) == tokens(Lexer(Source(text)))


@pytest.mark.parametrize(
    "text",
    [
        "type A { b: [Int!]! }",
        '"" "a" "a\\"b" "\\u00e9" "é" "tab\\there" "\t"',
        '"""""" """a""" """\n  a\n    b\n""" """a "quoted" b""" """esc \\""" aped"""',
        '"open',
        '"two\nlines"',
        '"""open',
        '""""""""',
        "1 -2 3.5e7 0x 01",
        "# comment\nname # another\r\nnext\rlast",
        "... .. . & | ? \\ é",
        "\ufeffname, name,,",
        "a\x00b",
        "\U0001f600",
        '"\U0001f600 \ud83d"',
    ],
)
def test_tokens_are_the_same(text):
    check(text)


@given(st.text(alphabet=st.sampled_from([*'"\\#{}()[]:!@$&|=., \n\r\tab1-_u', "é", "\ufeff", "\U0001f600"])))
def test_tokens_of_any_text_are_the_same(text):
    check(text)


@pytest.mark.parametrize("path", CORPUS[::10], ids=lambda path: path.stem)
def test_tokens_of_the_corpus_are_the_same(path):
    check(path.read_text())
