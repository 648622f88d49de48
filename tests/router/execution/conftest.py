"""A bench for plans: scripted subgraphs, real programs and runs, no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, build_schema, parse

from router.execution import ANONYMOUS, GraphQLResponse
from router.execution.assembly import Assembly
from router.execution.compiler import Program, compile_program
from router.execution.run import Run
from router.execution.transports import SubgraphRequest, SubgraphResponse, SubgraphTransport
from router.execution.transports.port import sender
from router.planner.plan import (
    EntityCall,
    Fetch,
    FieldStep,
    ListStep,
    Path,
    QueryPlan,
    Representation,
    RepresentationField,
    TypeStep,
)


@dataclass
class Scripted:
    """Subgraphs whose answers are written down; a callable answers from the request, an exception is raised."""

    answers: Mapping[str, Any]
    sent: list[SubgraphRequest] = field(default_factory=list)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.sent.append(request)
        answer = self.answers[request.operation.subgraph]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if callable(answer):
            answer = answer(request)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, SubgraphResponse) else SubgraphResponse(decoded=answer)


@dataclass
class Bench:
    """Compiles and runs plans that were written by hand."""

    sent: list[SubgraphRequest] = field(default_factory=list)

    def compile(self, sdl: str, query: str, *fetches: Fetch, **conditions: bool) -> Program:
        document = parse(query)
        operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        plan = QueryPlan(operation.operation.value, fetches)
        return compile_program(build_schema(sdl), plan, operation, fragments, conditions)

    async def run(
        self,
        program: Program,
        answers: Mapping[str, Any],
        variables: Mapping[str, Any] | None = None,
        transports: Mapping[str, SubgraphTransport] | None = None,
    ) -> GraphQLResponse:
        scripted = Scripted(answers, self.sent)
        transports = {**dict.fromkeys(answers, scripted), **(transports or {})}
        senders = {name: sender(each) for name, each in transports.items()}
        run = Run(program, Assembly(program, 100), variables or {}, ANONYMOUS, senders, 5)
        return await run.start()

    async def answer(self, sdl: str, query: str, data: Any, **conditions: bool) -> Any:
        """Project what one root fetch brings."""
        program = self.compile(sdl, query, root("a", "{ __typename }"), **conditions)
        return (await self.run(program, {"a": {"data": data}})).data


@pytest.fixture
def bench() -> Bench:
    return Bench()


def path(text: str) -> Path:
    """Read a path such as `users.@.|[A,B]`."""
    steps = []
    for part in filter(None, text.split(".")):
        if part == "@":
            steps.append(ListStep())
        elif part.startswith("|"):
            steps.append(TypeStep(frozenset(part[2:-1].split(","))))
        else:
            steps.append(FieldStep(part))
    return tuple(steps)


def root(subgraph: str, document: str, number: int = 0, **more: Any) -> Fetch:
    values = {"kind": "query", "operation_name": None, "variables": (), "depends_on": frozenset()} | more
    return Fetch(id=number, subgraph=subgraph, document=document, **values)


def keyed(typename: str, *fields: str, types: str | None = None) -> Representation:
    selections = tuple(RepresentationField(each, each) for each in fields)
    return Representation(frozenset(types.split(",")) if types else None, typename, selections)


def call(where: str, *representations: Representation, alias: str = "_entities", renames: Any = ()) -> EntityCall:
    return EntityCall(alias, f"r{alias}", path(where), representations, renames)


def entities(number: int, subgraph: str, selection: str, *calls: EntityCall, after: tuple[int, ...] = (0,)) -> Fetch:
    aliases = dict.fromkeys(each.alias for each in calls)
    fields = " ".join(f"{alias}: _entities(representations: $r{alias}) {{ {selection} }}" for alias in aliases)
    document = f"query({' '.join(f'$r{alias}: [_Any!]!' for alias in aliases)}) {{ {fields} }}"
    return Fetch(number, subgraph, "query", document, None, (), frozenset(after), entities=calls)


@pytest.fixture
def plans() -> Any:
    """The vocabulary in which the tests write plans."""

    class Vocabulary:
        pass

    for function in (path, root, keyed, call, entities):
        setattr(Vocabulary, function.__name__, staticmethod(function))
    return Vocabulary
