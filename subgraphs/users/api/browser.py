"""Sessions of browsers, in cookies that no script can read; and log-in with other providers, which needs redirects.

Three cookies: the access token and the refresh token (HttpOnly), and a CSRF secret that the shop's own pages read and
send back as `x-csrf-token`. The access token holds a hash of that secret and is worth nothing without it (the router
checks); the refresh token is taken only beside it. All are `Secure` and bound to this host.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kernel import telemetry
from kernel.errors import DomainError, InfrastructureError, InvalidInputError
from kernel.identity import Client
from kernel.sealing import UnsealError, seal, unseal
from subgraphs.users.domain.errors import TooManyAttemptsError
from subgraphs.users.domain.factors import Proof
from subgraphs.users.domain.identities import safe_return_path
from subgraphs.users.service import UsersService
from subgraphs.users.service.identities import Outcome, Refusal
from subgraphs.users.service.login import Challenge
from subgraphs.users.service.providers import AnswerRefusedError, ProviderError, Question
from subgraphs.users.service.sessions import Grant

ACCESS_COOKIE: Final = "__Host-storegraph-access"
REFRESH_COOKIE: Final = "__Secure-storegraph-refresh"
CSRF_COOKIE: Final = "__Host-storegraph-csrf"
_ASKED_COOKIE: Final = "__Secure-storegraph-asked"
_ASKED_SECONDS: Final = 600
_REFRESH_PATH: Final = "/auth"
_LARGEST_BODY: Final = 20_000
_STATUS: Final = {"RATE_LIMITED": 429, "INVALID_CREDENTIALS": 401, "INVALID_TOKEN": 401, "NOT_FOUND": 404}
_log = telemetry.get_logger("users")


class ForgedRequestError(DomainError):
    """A request that a foreign page could have caused."""

    default_code = "CSRF_PREVENTED"

    def __init__(self) -> None:
        super().__init__("This request did not come from a page of the shop.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Serves browsers.

    Args:
        service: the use cases.
        cookie_key: seals what a browser keeps while it visits a provider.
        origins: where the shop's own pages are; the first one is where providers send browsers back to.
        refresh_seconds: how long the refresh cookie is kept.
    """

    service: UsersService
    cookie_key: bytes
    origins: tuple[str, ...]
    refresh_seconds: int

    def routes(self) -> tuple[Route, ...]:
        """Give the routes, all below `/auth`."""
        return (
            Route("/auth/login", self._told(self._log_in), methods=["POST"]),
            Route("/auth/login/confirm", self._told(self._confirm), methods=["POST"]),
            Route("/auth/refresh", self._told(self._refresh), methods=["POST"]),
            Route("/auth/logout", self._told(self._log_out), methods=["POST"]),
            Route("/auth/providers", self._told(self._providers), methods=["GET"]),
            Route("/auth/providers/{name}/start", self._told(self._start), methods=["GET"]),
            Route("/auth/providers/{name}/callback", self._told(self._callback), methods=["GET"]),
        )

    async def _log_in(self, request: Request) -> Response:
        fields = await self._own_json(request, "email", "password")
        csrf = secrets.token_urlsafe(32)
        outcome = await self.service.log_in.by_password(
            fields["email"], fields["password"], client=_client(request), csrf=_hash(csrf)
        )
        return self._entered(outcome, csrf)

    async def _confirm(self, request: Request) -> Response:
        fields = await self._own_json(request, "ticket")
        proof = Proof(
            code=fields.get("code"),
            recovery_code=fields.get("recoveryCode"),
            authenticator=fields.get("authenticator"),
        )
        grant, expected = await self.service.log_in.by_second_factor(fields["ticket"], proof, client=_client(request))
        csrf = request.cookies.get(CSRF_COOKIE, "")
        if expected is None or not hmac.compare_digest(_hash(csrf), expected):
            raise ForgedRequestError
        return self._entered(grant, csrf)

    async def _refresh(self, request: Request) -> Response:
        csrf = self._proof_of_own_page(request)
        grant = await self.service.sessions.refresh(request.cookies.get(REFRESH_COOKIE, ""))
        return self._entered(grant, csrf)

    async def _log_out(self, request: Request) -> Response:
        self._proof_of_own_page(request)
        await self.service.sessions.log_out(request.cookies.get(REFRESH_COOKIE, ""))
        response = JSONResponse({"loggedOut": True})
        for name, path in ((ACCESS_COOKIE, "/"), (REFRESH_COOKIE, _REFRESH_PATH), (CSRF_COOKIE, "/")):
            response.delete_cookie(name, path=path, secure=True)
        return response

    async def _providers(self, _request: Request) -> Response:
        return JSONResponse({"providers": sorted(self.service.identities.providers)})

    async def _start(self, request: Request) -> Response:
        name = request.path_params["name"]
        provider = self.service.identities.provider(name)
        ticket = request.query_params.get("ticket")
        owner = await self.service.identities.owner_of_ticket(ticket, name) if ticket else None
        url, question = await provider.ask(self._callback_url(name))
        kept = {
            **asdict(question),
            "return_to": safe_return_path(request.query_params.get("return_to", "/")),
            "owner": owner,
        }
        response = RedirectResponse(url, 303)
        sealed = b64encode(seal(self.cookie_key, orjson.dumps(kept), context="asked")).decode()
        # Lax, not Strict: the browser comes back from a foreign page.
        response.set_cookie(
            _ASKED_COOKIE, sealed, max_age=_ASKED_SECONDS, path="/auth", secure=True, httponly=True, samesite="lax"
        )
        return response

    async def _callback(self, request: Request) -> Response:
        name = request.path_params["name"]
        provider = self.service.identities.provider(name)
        try:
            kept = self._asked(request, name)
            question = Question(**{field: kept[field] for field in ("provider", "state", "nonce", "verifier")})
            claims = await provider.hear(dict(request.query_params), question, self._callback_url(name))
        except ProviderError as error:
            _log.warning("log-in with a provider refused", provider=name, error=error.message)
            return self._back("/", "provider_failed")
        if kept["owner"]:
            return await self._linked(kept, claims)
        csrf = secrets.token_urlsafe(32)
        outcome = await self.service.identities.enter(claims, client=_client(request), csrf=_hash(csrf))
        return self._returned(outcome, kept["return_to"], csrf)

    async def _linked(self, kept: Mapping[str, Any], claims: Any) -> Response:
        try:
            await self.service.identities.link(kept["owner"], claims)
        except DomainError as error:
            return self._back(kept["return_to"], error.code.lower())
        return self._back(kept["return_to"])

    def _returned(self, outcome: Outcome, path: str, csrf: str) -> Response:
        if isinstance(outcome, Refusal):
            return self._back(path, outcome.name.lower())
        if isinstance(outcome, Challenge):
            response = self._back(path, ticket=outcome.ticket, methods=",".join(outcome.methods))
            self._set_csrf(response, csrf)
            return response
        response = self._back(path)
        self._set_cookies(response, outcome, csrf)
        return response

    def _back(self, path: str, error: str = "", **fields: str) -> Response:
        """Send a browser back to a page of the shop; what it is told stands after `#`, where no server logs it."""
        told = {**({"error": error} if error else {}), **fields}
        response = RedirectResponse(f"{path}#{urlencode(told)}" if told else path, 303)
        response.delete_cookie(_ASKED_COOKIE, path="/auth", secure=True)
        return response

    def _asked(self, request: Request, name: str) -> dict[str, Any]:
        """Read what this browser was sent to a provider with.

        Raises:
            AnswerRefusedError: nothing, or to another provider.
        """
        try:
            sealed = b64decode(request.cookies.get(_ASKED_COOKIE, ""), validate=True)
            kept = orjson.loads(unseal(self.cookie_key, sealed, context="asked"))
        except (UnsealError, ValueError) as error:
            raise AnswerRefusedError("This browser did not ask.") from error
        if kept["provider"] != name:
            raise AnswerRefusedError("This browser asked another provider.")
        return kept

    def _entered(self, outcome: Grant | Challenge, csrf: str) -> Response:
        if isinstance(outcome, Challenge):
            response = JSONResponse(
                {
                    "challenge": {
                        "ticket": outcome.ticket,
                        "methods": outcome.methods,
                        "passkeyOptions": outcome.passkey_options,
                    }
                }
            )
            self._set_csrf(response, csrf)
            return response
        response = JSONResponse({"userId": outcome.account.id, "expiresIn": outcome.expires_in})
        self._set_cookies(response, outcome, csrf)
        return response

    def _set_cookies(self, response: Response, grant: Grant, csrf: str) -> None:
        response.set_cookie(
            ACCESS_COOKIE, grant.access_token, max_age=grant.expires_in, secure=True, httponly=True, samesite="lax"
        )
        response.set_cookie(
            REFRESH_COOKIE,
            grant.refresh_token or "",
            max_age=self.refresh_seconds,
            path=_REFRESH_PATH,
            secure=True,
            httponly=True,
            samesite="strict",
        )
        self._set_csrf(response, csrf)

    def _set_csrf(self, response: Response, csrf: str) -> None:
        response.set_cookie(CSRF_COOKIE, csrf, max_age=self.refresh_seconds, secure=True, samesite="strict")

    def _proof_of_own_page(self, request: Request) -> str:
        """Give the CSRF secret of a request that brings it twice: in the cookie, and where only our pages can put it.

        Raises:
            ForgedRequestError: it does not.
        """
        self._insist_on_own_origin(request)
        csrf, shown = request.cookies.get(CSRF_COOKIE, ""), request.headers.get("x-csrf-token", "")
        if not csrf or not hmac.compare_digest(csrf.encode(), shown.encode()):
            raise ForgedRequestError
        return csrf

    def _insist_on_own_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        own = {*self.origins, f"{request.url.scheme}://{request.headers.get('host', '')}"}
        if origin is not None and origin not in own:
            raise ForgedRequestError

    async def _own_json(self, request: Request, *names: str) -> dict[str, str]:
        """Read a JSON object of texts, which no foreign page can send unasked."""
        self._insist_on_own_origin(request)
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await request.body()
        try:
            fields = orjson.loads(body) if media == "application/json" and len(body) <= _LARGEST_BODY else None
        except orjson.JSONDecodeError:
            fields = None
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            raise InvalidInputError("Send a JSON object of texts.")
        if missing := [name for name in names if name not in fields]:
            raise InvalidInputError(f"Send {missing[0]}.", path=(missing[0],))
        return fields

    def _callback_url(self, name: str) -> str:
        return f"{self.origins[0]}/auth/providers/{name}/callback"

    def _told(self, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Answer refusals as JSON with the codes of the schema, and keep every answer out of caches."""

        async def serve(request: Request) -> Response:
            try:
                response = await handle(request)
            except DomainError as error:
                response = _refusal(error)
            except InfrastructureError as error:
                _log.error("browser not served", path=urlsplit(str(request.url)).path, error=error.message)
                response = JSONResponse({"code": "SERVICE_UNAVAILABLE", "message": "Try again soon."}, 503)
            response.headers["cache-control"] = "no-store"
            response.headers["referrer-policy"] = "no-referrer"
            return response

        return serve


def _refusal(error: DomainError) -> Response:
    status = 403 if isinstance(error, ForgedRequestError) else _STATUS.get(error.code, 400)
    headers = {"retry-after": str(error.retry_after)} if isinstance(error, TooManyAttemptsError) else None
    return JSONResponse({"code": error.code, "message": error.message}, status, headers)


def _client(request: Request) -> Client:
    told = Client.of(request.headers)
    return Client(told.address, told.agent or request.headers.get("user-agent", "")[:200])


def _hash(csrf: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(csrf.encode()).digest()).decode().rstrip("=")
