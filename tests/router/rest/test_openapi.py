"""The OpenAPI document and the page to read it."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator


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
