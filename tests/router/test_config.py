"""Settings: the environment is filled in, and what is wrong is told in one line that says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import ConfigError, RouterSettings, load_settings, parse_settings


def test_everything_has_a_default() -> None:
    assert parse_settings("", environment={}) == RouterSettings() == load_settings(None)


def test_the_environment_is_filled_in() -> None:
    text = "server: {host: '${env.HOST}', port: '${env.PORT:-4001}'}\nsubgraphs: {a: {url: 'http://${env.HOST}/a'}}"

    settings = parse_settings(text, environment={"HOST": "::1"})

    assert (settings.server.host, settings.server.port) == ("::1", 4001)
    assert settings.subgraphs["a"].url == "http://::1/a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server: {prot: 1}", "unknown field `prot` at `server`"),
        ("server: {port: abc}", "Expected `int`, got `str` at `server.port`"),
        ("server: {port: 70000}", "port must be between 0 and 65535 at `server`"),
        ("server: {workers: 0}", "workers must be between 1 and 512"),
        ("server: {path: graphql}", "path must begin with /"),
        ("server:\n  port: [", "line 2, column 10"),
        ("- 1", "Expected `object`, got `array`"),
        ("introspection: ${env.NOPE}", "the environment variable NOPE is not set"),
        ("authentication: {jwt: {jwks: x}}", "missing required field `issuer` at `authentication.jwt`"),
        ("authentication: {jwt: {jwks: x, issuer: a, audience: a, algorithms: [HS256]}}", "HS256"),
        ("authentication: {internal_token: {key: short}}", "key must have at least 32 bytes"),
        ("cors: {origins: ['*'], credentials: true}", "credentials cannot be allowed to origin *"),
        ("limits: {body_bytes: 0}", "body_bytes must be more than 0"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, environment={})

    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    with pytest.raises(ConfigError, match=r"cannot read .*router\.yaml: No such file"):
        load_settings(path)
    path.write_text("x: 1")
    with pytest.raises(ConfigError, match=r"router\.yaml: .*unknown field `x`"):
        load_settings(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(path)
