"""Stripe's library over our own HTTP client, so that it needs no second one, and never waits in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import RequestError
from stripe import APIConnectionError, HTTPClient
from typing_extensions import override


class PyreqwestClient(HTTPClient):
    """Sends the library's asynchronous requests."""

    name = "pyreqwest"

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timedelta(seconds=timeout)
        self._client = ClientBuilder().error_for_status(enable=False).build()

    @override
    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        request = self._client.request(method.upper(), url).headers(dict(headers)).timeout(self._timeout)
        if post_data is not None:
            request = request.body_bytes(post_data.encode())
        try:
            response = await request.build().send()
            return bytes(await response.bytes()), response.status, dict(response.headers)
        except RequestError as error:
            raise APIConnectionError(f"Stripe was not reached: {type(error).__name__}.") from error

    @override
    async def close_async(self) -> None:
        await self._client.close()
