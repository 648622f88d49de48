"""The page that buyers of the sandbox provider are sent to: a bank's 3-D Secure step with two buttons."""

from __future__ import annotations

from html import escape
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from kernel.errors import NotFoundError


class Bank(Protocol):
    """Whoever waits for the buyer."""

    async def decide(self, reference: str, *, approved: bool) -> None:
        """Let the buyer pass, or not."""
        ...


def sandbox_page(bank: Bank) -> tuple[Route, ...]:
    """Make the page's routes."""

    async def show(request: Request) -> HTMLResponse:
        return _page(_FORM.format(reference=escape(request.path_params["reference"], quote=True)))

    async def decide(request: Request) -> HTMLResponse:
        approved = request.path_params["decision"] == "approve"
        try:
            await bank.decide(request.path_params["reference"], approved=approved)
        except NotFoundError as error:
            return _page(f"<p>{escape(error.message)}</p>", 404)
        return _page(f"<p>{'Confirmed' if approved else 'Declined'}. You can go back to the shop.</p>")

    return (
        Route("/payments/sandbox/{reference}", show, methods=["GET"]),
        Route("/payments/sandbox/{reference}/{decision:str}", decide, methods=["POST"]),
    )


_FORM = """
<p>Your bank wants to know whether it is you who pays.</p>
<form method="post" action="/payments/sandbox/{reference}/approve"><button>It is me</button></form>
<form method="post" action="/payments/sandbox/{reference}/decline"><button>It is not</button></form>
"""


def _page(content: str, status: int = 200) -> HTMLResponse:
    document = f"<!doctype html><meta charset=utf-8><title>Sandbox bank</title>{content}"
    policy = {"content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'"}
    return HTMLResponse(document, status, policy)
