"""How searches are spelled where they are counted."""

from kernel.search_words import search_words


def test_searches_that_look_like_a_person_are_not_noted():
    assert search_words("  Floor   LAMP ") == "floor lamp"
    assert search_words("ada@example.com") == search_words("4111 1111 1111 1111") == ""
    assert len(search_words("x" * 500)) == 100
    assert search_words("floor\x00lamp\x1b") == "floor lamp"
