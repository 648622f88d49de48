"""TLS goes through the library's client; what it tells is the same as of plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from router.execution import ResponseTooLargeError, SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.transports import SubgraphOperation, SubgraphRequest
from router.execution.transports.http import HttpNetwork, HttpSettings

GOOD = b'{"data":{"a":1}}'


def certify(subject, key, issuer, signer, *extensions):
    now = datetime.now(UTC)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (issuer, subject)]
    builder = x509.CertificateBuilder(*names, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1: its file, its key's file and the text of the authority that signed it."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    trusted = certify("ca", authority, "ca", authority, x509.BasicConstraints(ca=True, path_length=None))
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(certify("subgraph", key, "ca", authority, address))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem", trusted


@contextlib.asynccontextmanager
async def serving(certificate, body, pause=0.0):
    async def serve(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
            await asyncio.sleep(pause)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n")
            writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
            writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate[:2])
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/graphql"
    settings = HttpSettings(certificates=certificate[2], max_response_bytes=1000)
    async with HttpNetwork({"a": url}, settings) as network:
        try:
            yield network.transports["a"], url
        finally:
            listener.close()


def request(timeout=5.0):
    return SubgraphRequest(SubgraphOperation("a", "query", "{ a }", None), {}, (("x-a", "1"),), timeout)


async def test_an_answer(certificate):
    async with serving(certificate, GOOD) as (transport, _url):
        assert (await transport.send(request())).body == GOOD


async def test_a_server_that_is_not_trusted(certificate):
    async with serving(certificate, GOOD) as (_transport, url), HttpNetwork({"a": url}) as stranger:
        with pytest.raises(SubgraphUnreachableError):
            await stranger.transports["a"].send(request())


async def test_too_much_and_too_late(certificate):
    async with serving(certificate, b" " * 5000) as (transport, _url):
        with pytest.raises(ResponseTooLargeError):
            await transport.send(request())
    async with serving(certificate, GOOD, pause=1.0) as (transport, _url):
        with pytest.raises(SubgraphTimeoutError):
            await transport.send(request(timeout=0.2))
