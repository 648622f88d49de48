"""`storegraph products`: files in and out without a running store."""

import asyncio
import json

import pytest

from runtime import products_command
from runtime.products_cli import FormatOption
from runtime.products_command import ProductFileError
from subgraphs.products.service import transfers


@pytest.fixture
async def store(make_database, monkeypatch, tmp_path):
    monkeypatch.setenv("STOREGRAPH_DATABASE_URL", await make_database("products"))
    return tmp_path


def line(slug, price="1.00"):
    variants = [{"sku": slug, "prices": {"EUR": price}}]
    return json.dumps({"slug": slug, "name": slug, "type": "Shoe", "variants": variants}) + "\n"


def run_import(file, store, option=None):
    """The command runs an event loop of its own."""
    return asyncio.to_thread(products_command.run_import, file, option, "EUR", store)


async def test_a_file_comes_in_goes_out_and_changes_nothing_the_second_time(store, capsys):
    given, written = store / "in.jsonl", store / "out.jsonl"
    given.write_text(line("a") + line("b", "-1.00") + line("c"))
    assert await run_import(given, store) == 1
    told = capsys.readouterr().out
    assert "2 created, 0 updated, 0 unchanged, 1 refused" in told
    assert "negative" in told
    await asyncio.to_thread(products_command.run_export, written, None, "EUR", store)
    assert await run_import(written, store) == 0
    assert "0 created, 0 updated, 2 unchanged, 0 refused" in capsys.readouterr().out


async def test_documents_are_compared_with_where_they_are(store, capsys):
    assert await asyncio.to_thread(products_command.run_documents, store) == 0
    assert "where they should be" in capsys.readouterr().out


async def test_what_was_broken_off_goes_on_where_it_was(store, capsys, monkeypatch):
    given = store / "in.jsonl"
    given.write_text("".join(line(f"item-{number}") for number in range(150)))
    advance, left = transfers.advance, [1]

    async def once(*arguments):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return await advance(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(transfers, "advance", once)
        with pytest.raises(KeyboardInterrupt):
            products_command_in_this_thread(given, store)
    assert await run_import(given, store) == 0
    assert "150 created, 0 updated, 0 unchanged" in capsys.readouterr().out


def products_command_in_this_thread(given, store):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(products_command.run_import, given, FormatOption.JSONL, "EUR", store).result()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.txt", "", "Say by --format"),
        ("gone.csv", None, "cannot be read"),
        ("in.csv", "a,b\n1,2\n", "lacks the columns"),
    ],
)
async def test_what_cannot_be_used_is_told_in_one_line(store, name, content, said):
    given = store / name
    if content is not None:
        given.write_text(content)
    with pytest.raises(ProductFileError, match=said):
        await run_import(given, store)
