"""A GraphQL client in a few lines: one endpoint, one token, errors as exceptions."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class JourneyError(Exception):
    """A step did not give what a buyer needs; the message says what came instead."""


@dataclass(slots=True)
class Client:
    """Sends operations to an endpoint; `token` is the access token of the buyer once logged in."""

    url: str
    token: str | None = None
    timeout: float = 30.0

    def query(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run an operation and return its data.

        Raises:
            JourneyError: the endpoint cannot be reached, or answered with errors.
        """
        answer = self._send(document, variables)
        if answer.get("errors"):
            raise JourneyError("; ".join(str(error.get("message")) for error in answer["errors"]))
        data: dict[str, Any] = answer.get("data") or {}
        return data

    def mutate(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run a mutation with one root field and return its payload; its user errors are raised.

        Raises:
            JourneyError: as `query`, or the payload lists errors.
        """
        payload: dict[str, Any] = next(iter(self.query(document, **variables).values()))
        if payload.get("errors"):
            raise JourneyError("; ".join(f"{error['code']}: {error['message']}" for error in payload["errors"]))
        return payload

    def _send(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        body = json.dumps({"query": document, "variables": variables}).encode()
        request = urllib.request.Request(self.url, body, headers)  # noqa: S310 - the address is the person's own
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                return _object(answer.read())
        except urllib.error.HTTPError as refused:
            return _object(refused.read())
        except OSError as error:
            raise JourneyError(f"{self.url} cannot be reached ({error}). Is the store up? Start it: make up") from error


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise JourneyError("the endpoint did not answer with JSON; is it Storegraph?") from error
    if not isinstance(answer, dict):
        raise JourneyError("the endpoint did not answer with a GraphQL response")
    return answer
