"""The OpenAPI 3.1 document of a REST API: what its routes take and give, as the schema and the operations say."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from graphql import GraphQLNonNull, GraphQLSchema

from router.rest.declaration import Declaration
from router.rest.errors import Statuses
from router.rest.parameters import Parameter
from router.rest.routes import Body, Route
from router.rest.schemas import JsonSchema, Schemas

_PROBLEM: Final[JsonSchema] = {
    "type": "object",
    "description": "A problem, as RFC 9457 defines it.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "The code of the first error; programs go by it."},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
_RANGE_PATTERN: Final = r"^(\d+(\.\d+)?)?(\.\.|-)(\d+(\.\d+)?)?$"


def openapi_document(
    declaration: Declaration, routes: Iterable[Route], schema: GraphQLSchema, statuses: Statuses
) -> dict[str, Any]:
    """Describe a REST API."""
    writer = _Writer(Schemas(schema, declaration.scalars), statuses, declaration.errors)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.declared.template, {})[route.method.lower()] = writer.operation(route)
    tags = dict.fromkeys(tag for each in declaration.routes for tag in each.tags)
    described = {"description": declaration.description} if declaration.description else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": declaration.title, "version": declaration.version, **described},
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **dict(sorted(writer.schemas.components.items()))},
            "responses": {"Problem": _problem_response("What went wrong.")},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _problem_response(text: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {"application/problem+json": {"schema": reference}}}


class _Writer:
    """Describes routes."""

    def __init__(self, schemas: Schemas, statuses: Statuses, errors: str) -> None:
        self.schemas = schemas
        self._statuses = statuses
        self._errors = errors

    def operation(self, route: Route) -> dict[str, Any]:
        """Describe one route."""
        declared = route.declared
        found: dict[str, Any] = {
            "operationId": route.operation or declared.route,
            "summary": declared.summary,
            "tags": list(declared.tags),
            "parameters": [self._parameter(each) for each in route.parameters],
            "requestBody": None if route.body is None else self._body(route.body),
            "responses": self._responses(route),
            # Whoever has no token may call all routes but these.
            "security": [{"bearer": []}] if declared.needs_token else [{}, {"bearer": []}],
        }
        text = declared.description
        if declared.roles:
            text = f"{text}\n\nFor callers with the role {' or '.join(declared.roles)}.".strip()
        if text:
            found["description"] = text
        return {key: value for key, value in found.items() if value not in (None, "", [])}

    def _parameter(self, parameter: Parameter) -> dict[str, Any]:
        described = {
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.required,
            "schema": self._parameter_schema(parameter),
        }
        if parameter.many:
            described |= {"style": "form", "explode": True}
        if parameter.range is not None:
            described["description"] = "Two bounds, of which one may be left out."
            described["example"] = "10..50"
        return described

    def _parameter_schema(self, parameter: Parameter) -> JsonSchema:
        if parameter.range is not None:
            return {"type": "string", "pattern": _RANGE_PATTERN}
        return self.schemas.of_given_input(parameter.kind)

    def _body(self, body: Body) -> dict[str, Any]:
        if body.whole is not None:
            schema = self.schemas.of_given_input(body.whole.kind)
        else:
            required = [name for name, each in body.keys.items() if each.required]
            schema = {
                "type": "object",
                "properties": {name: self.schemas.of_input(each.kind) for name, each in body.keys.items()},
                **({"required": required} if required else {}),
                "additionalProperties": False,
            }
        return {"required": body.required, "content": {"application/json": {"schema": schema}}}

    def _responses(self, route: Route) -> dict[str, Any]:
        selected = route.selected
        schema = self.schemas.of_given_answer(selected.kind, selected.selections, selected.fragments)
        success: dict[str, Any] = {
            "description": "The answer."
            if route.declared.success == 200
            else HTTPStatus(route.declared.success).phrase,
            "content": {"application/json": {"schema": schema}},
        }
        if route.declared.location is not None:
            success["headers"] = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
        responses: dict[str, Any] = {str(route.declared.success): success}
        for status, text in self._refusals(route):
            responses.setdefault(str(status), _problem_response(text))
        responses["default"] = {"$ref": "#/components/responses/Problem"}
        return responses

    def _refusals(self, route: Route) -> Iterable[tuple[int, str]]:
        if route.parameters or route.body is not None:
            yield 400, "A parameter or the body does not fit."
        if route.declared.needs_token:
            yield 401, "There is no token, or it is no longer good."
        if route.declared.roles:
            yield 403, "The caller lacks the role."
        if not isinstance(route.selected.kind, GraphQLNonNull) or len(route.answer) > 1:
            yield 404, "There is nothing under this path."
        if route.method != "GET":
            yield 409, "What is stored does not allow it."
            yield 422, "The shop does not allow it; the code says why."
