"""The OpenAPI document and the page to read it."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from router.rest.page import outline


async def test_the_document_is_openapi(serve: Any) -> None:
    response = await serve().get("/openapi.json")

    document = response.json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        "/lamps/search",
        "/lamps/{id}",
        "/lamps",
        "/lamps/{lamp}/switch",
        "/open/{id}",
        "/failing/{code}",
    }


async def test_parameters_bodies_and_answers_have_their_types(serve: Any) -> None:
    paths = (await serve().get("/openapi.json")).json()["paths"]

    search, make = paths["/lamps/search"]["get"], paths["/lamps"]["post"]
    parameters = {
        each["name"]: (each["in"], each["required"], each["schema"].get("type")) for each in search["parameters"]
    }
    assert parameters == {
        "q": ("query", True, "string"),
        "colour": ("query", False, "array"),
        "limit": ("query", False, "integer"),
        "rate": ("query", False, "number"),
        "weight": ("query", False, "string"),
        "unit": ("query", False, "string"),
    }
    assert make["requestBody"]["required"] is True
    assert make["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Draft"}
    assert make["security"] == [{"bearer": []}]
    answer = make["responses"]["201"]["content"]["application/json"]["schema"]
    assert answer["properties"]["weight"]["type"] == ["integer", "null"]
    assert answer["required"] == ["id", "name", "weight", "colour"]
    assert {"400", "401", "403", "404", "409", "422", "default"} <= set(make["responses"])


async def test_the_page_shows_every_route_and_fetches_nothing(serve: Any) -> None:
    response = await serve().get("/docs")

    page = response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    for path in ("/lamps/search", "/lamps/{id}", "/lamps/{lamp}/switch"):
        assert path in page
    assert "<script" not in page
    assert "src=" not in page


async def test_page_and_document_can_be_elsewhere(serve: Any) -> None:
    api = serve(settings="rest: {document: /api.json, page: null}")

    assert (await api.get("/api.json")).status_code == 200
    assert [(await api.get(path)).status_code for path in ("/docs", "/openapi.json")] == [404, 404]


def test_types_are_shown_as_people_note_them() -> None:
    schema = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "description": "For\npeople."},
            "size": {"type": ["integer", "null"]},
            "parts": {"type": "array", "items": {"type": "object", "properties": {"colour": {"enum": ["RED"]}}}},
            "price": {"anyOf": [{"$ref": "#/components/schemas/Money"}, {"type": "null"}]},
            "code": {"type": "string", "pattern": "^[A-Z]$"},
            "rest": {},
        },
    }

    assert outline(schema).splitlines() == [
        "{",
        "  name: string  // For people.",
        "  size?: integer | null",
        "  parts?: [{",
        '    colour?: "RED"',
        "  }]",
        "  price?: Money | null",
        "  code?: string matching ^[A-Z]$",
        "  rest?: anything",
        "}",
    ]


async def test_texts_of_a_declaration_stay_texts(serve: Any) -> None:
    routes = """
title: <script>alert(1)</script>
description: "`<b>` is code"
routes: [{route: GET /a, answer: lamp, summary: '<img src=x>', operation: '{ lamp(id: 1) { id } }'}]
"""
    page = (await serve(routes).get("/docs")).text

    assert not {"<script", "<img", "<b>"} & {tag for tag in ("<script", "<img", "<b>") if tag in page}
    assert "<code>&lt;b&gt;</code> is code" in page
