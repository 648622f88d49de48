"""An example of a plugin: each tenant of a platform is told by a header, checked, passed on and named in the answer.

plugins:
  - use: examples/plugins/tenants.py:Tenants
    settings: {known: [acme, globex]}
"""

from __future__ import annotations

from dataclasses import replace

from router.plugins import HeaderBlock, HttpRequest, Plugin, Response, SubgraphRequest, json_response

_HEADER = "x-tenant"


class Tenants(Plugin):
    """Lets only known tenants in.

    Args:
        known: their names.
    """

    def __init__(self, known: list[str]) -> None:
        self._known = {name.encode() for name in known}

    async def request(self, request: HttpRequest) -> HttpRequest | Response:
        """Refuse whoever names no known tenant."""
        if request.headers.get(_HEADER.encode()) in self._known:
            return request
        error = {"message": "Which tenant is this for?", "extensions": {"code": "UNKNOWN_TENANT"}}
        return json_response(403, {"errors": [error]})

    async def fetch(self, request: SubgraphRequest) -> SubgraphRequest:
        """Tell the subgraphs that a tenant was checked."""
        return replace(request, headers=(*request.headers, ("x-tenant-checked", "yes")))

    async def answer(self, request: HttpRequest, response: Response) -> Response:
        """Name the tenant in the answer."""
        tenant = request.headers.get(_HEADER.encode(), b"")
        return response._replace(headers=HeaderBlock((*response.headers, (_HEADER.encode(), tenant))))
