"""The file that declares a REST API, as it is written.

    title: My shop
    routes:
      - route: GET /products/{id}
        summary: One product
        operation: query Product($id: ID!) { product(id: $id) { id name } }
        answer: product

What the variables of an operation are made of needs saying only where it differs: a placeholder of the path goes into
the variable of its name, what is left comes from the query string, or for POST, PUT and PATCH from the JSON body.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from router.config import ConfigError
from router.sections import Section, demand

_ROUTE: Final = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)").fullmatch


class Range(Section, frozen=True):
    """A parameter such as `10..50`, which becomes an input object with a lower and an upper bound.

    Attributes:
        variable: the variable that takes the object.
        minimum: key of the lower bound in it.
        maximum: key of the upper bound.
        others: further keys of it, each with the variable whose value it takes.
    """

    variable: str
    minimum: str = "minimum"
    maximum: str = "maximum"
    others: dict[str, str] = msgspec.field(default_factory=dict)


class RouteDeclaration(Section, frozen=True):
    """One route.

    Attributes:
        route: method and path; `{name}` stands for one segment.
        summary: what it does, in a line.
        description: what else there is to say.
        tags: groups in the document.
        operation: the GraphQL document that answers it; this, `file` or `id`.
        file: a file with the document, beside the declaration.
        id: of a published operation.
        answer: where in its data the answer is, such as `product` or `productCreate.product`.
        path: variables of placeholders whose names differ.
        query: variables of the parameters in the query string, by their names.
        headers: variables of headers, by their names.
        body: the variable that takes the whole JSON body; by default each key of it goes into the variable of its name.
        authenticated: whether callers must have signed in.
        roles: callers must have one of these.
        success: status of an answer.
        location: path of what was created, with `{key}` for values of the answer, sent as `Location`.
    """

    route: str
    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    operation: str | None = None
    file: str | None = None
    id: str | None = None
    answer: str = ""
    path: dict[str, str] = msgspec.field(default_factory=dict)
    query: dict[str, str | Range] | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: str | None = None
    authenticated: bool = False
    roles: tuple[str, ...] = ()
    success: int = 200
    location: str | None = None

    def __post_init__(self) -> None:
        """Insist on what makes a route."""
        demand(
            _ROUTE(self.route) is not None, f"'{self.route}' must be a method and a path, such as GET /products/{{id}}"
        )
        given = [each for each in (self.operation, self.file, self.id) if each is not None]
        demand(len(given) == 1, f"'{self.route}' needs one of operation, file and id")
        demand(bool(self.answer), f"'{self.route}' must say where its answer is")

    @property
    def needs_token(self) -> bool:
        """Whether a caller must have signed in."""
        return self.authenticated or bool(self.roles)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.route.partition(" ")[0]

    @property
    def template(self) -> str:
        """The path, with its placeholders."""
        return self.route.partition(" ")[2]


class Declaration(Section, frozen=True):
    """A REST API.

    Attributes:
        title: of the API.
        version: of the API.
        description: what it is for.
        errors: key of the list of errors beside an answer, in the payload of a mutation.
        scalars: JSON Schemas of custom scalars.
        fragments: GraphQL fragments that the operations of all routes may use.
        statuses: HTTP statuses of error codes, beside and before the ones that are known.
        routes: all routes.
    """

    title: str = "REST API"
    version: str = "1"
    description: str = ""
    errors: str = "errors"
    scalars: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    fragments: str = ""
    statuses: dict[str, int] = msgspec.field(default_factory=dict)
    routes: tuple[RouteDeclaration, ...] = ()


def read_declaration(path: Path) -> Declaration:
    """Read the file that declares a REST API.

    Raises:
        ConfigError: it cannot be read, or not be understood.
    """
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, Declaration)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
