"""The shop's REST routes fit its schema, and their document is OpenAPI."""

from __future__ import annotations

import pytest
from graphql import GraphQLSchema, build_schema
from openapi_spec_validator import OpenAPIV31SpecValidator

import runtime.storefront
from router.rest.declaration import read_declaration
from router.rest.errors import Statuses
from router.rest.openapi import openapi_document
from router.rest.routes import read_routes
from runtime.export_schema import SCHEMA

ROUTES = runtime.storefront.ROUTES
PROMISED = {
    "GET /products/{id}",
    "GET /products/search",
    "GET /categories/{id}/products",
    "POST /products",
    "PUT /products/{id}",
    "POST /carts",
    "GET /carts/{id}",
    "POST /orders",
    "GET /orders/{id}",
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((SCHEMA / "api.graphql").read_text())


def test_the_routes_fit_the_schema_and_make_an_openapi_document(schema: GraphQLSchema) -> None:
    declaration = read_declaration(ROUTES)
    routes = read_routes(declaration, ROUTES.parent, schema, lambda _: None)

    document = openapi_document(declaration, routes, schema, Statuses(declaration.statuses))

    OpenAPIV31SpecValidator(document).validate()
    assert {route.declared.route for route in routes} >= PROMISED
    assert all(route.declared.summary for route in routes)


def test_only_administrators_change_the_catalogue() -> None:
    roles = {each.route: each.roles for each in read_declaration(ROUTES).routes}

    assert roles["POST /products"] == roles["PUT /products/{id}"] == ("admin",)
