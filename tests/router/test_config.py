"""Settings: the environment is filled in, and what is wrong is told with its file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import ConfigError, RouterSettings
from router.config_file import load_settings, parse_settings
from router.config_schema import settings_schema

PROJECT = Path(__file__).parents[2]


def test_everything_has_a_default() -> None:
    assert parse_settings("", environment={}) == RouterSettings() == load_settings(None)


def test_the_environment_is_filled_in() -> None:
    text = "server: {host: '${env.HOST}', port: '${env.PORT:-4001}'}\nsubgraphs: {a: {url: 'http://${env.HOST}/a'}}"

    settings = parse_settings(text, environment={"HOST": "::1"})

    assert (settings.server.host, settings.server.port) == ("::1", 4001)
    assert settings.subgraphs["a"].url == "http://::1/a"


def test_files_are_filled_in(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef\n")

    settings = parse_settings(
        f"authentication: {{internal_token: {{key: '${{file.{tmp_path}/key}}'}}}}", environment={}
    )

    assert settings.authentication.internal_token is not None
    assert settings.authentication.internal_token.key == "0123456789abcdef0123456789abcdef"


def test_production_is_without_what_only_developers_need() -> None:
    settings = parse_settings("environment: ${env.STAGE:-development}", environment={"STAGE": "production"})
    assert (settings.introspection_is_on, settings.explorer_is_on) == (False, False)

    settings = parse_settings("environment: production\nintrospection: true\nexplorer: {enabled: true}")
    assert (settings.introspection_is_on, settings.explorer_is_on) == (True, True)
    assert RouterSettings().introspection_is_on
    assert RouterSettings().explorer_is_on


def test_parts_can_be_named_and_used_again() -> None:
    settings = parse_settings("server: &s {port: 1}\nsubgraphs: {a: &a {url: 'http://a'}, b: {<<: *a}}")

    assert settings.subgraphs["b"].url == "http://a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server: {prot: 1}", "1: server.prot: is not known; did you mean 'port'?"),
        ("server:\n  zzz: 1", "2: server.zzz: is not known; known here: host, port"),
        ("server:\n\n  port: abc", "3: server.port: expected `int`, got `str`"),
        ("server:\n  port: 70000", "2: server: port must be between 0 and 65535"),
        ("server: {workers: 0}", "1: server: workers must be between 1 and 512"),
        ("server: {path: graphql}", "path must begin with /"),
        ("server:\n  port: 1\n  port: 2", "3: server.port: is there twice"),
        ("server:\n  port: [", "2: this is not YAML"),
        ("- 1", "1: must be a mapping"),
        ("introspection: ${env.NOPE}", "1: introspection: the environment variable NOPE is not set"),
        ("introspection: ${file./no/such/file}", "1: introspection: the file /no/such/file cannot be read"),
        ("authentication:\n  jwt: {jwks: x}", "2: authentication.jwt.issuer: is missing"),
        ("authentication: {jwt: {jwks: x, issuer: a, audience: a, algorithms: [HS256]}}", "HS256"),
        ("authentication: {internal_token: {key: short}}", "key must have at least 32 bytes"),
        ("cors: {origins: ['*'], credentials: true}", "credentials cannot be allowed to origin *"),
        ("limits: {body_bytes: 0}", "body_bytes must be more than 0"),
        ("subgraphs:\n  a: {url: 'http://a'}\n  b: {ulr: x}", "3: subgraphs.b.ulr: is not known; did you mean 'url'?"),
        ("explorer:\n  samples:\n    - {qurey: x}", "3: explorer.samples[0].qurey: is not known; did you mean 'query'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, environment={}, name="router.yaml")

    assert f"router.yaml:{expected}" in caught.value.problems[0] or expected in caught.value.problems[0]
    assert "\n" not in str(caught.value)


def test_all_that_is_wrong_is_told() -> None:
    with pytest.raises(ConfigError, match="and 2 more") as caught:
        parse_settings("server: {prot: 1}\nsupgraphs: {}\nsubgraph_timeout: soon")

    assert len(caught.value.problems) == 3


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    with pytest.raises(ConfigError, match=r"cannot read .*router\.yaml: No such file"):
        load_settings(path)
    path.write_text("x: 1")
    with pytest.raises(ConfigError, match=r"router\.yaml:1: x: is not known"):
        load_settings(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(path)


def test_the_published_schema_describes_every_setting() -> None:
    schema = settings_schema()

    properties = [*schema["properties"].items()]
    for section in schema["$defs"].values():
        properties += section["properties"].items()
        assert section["additionalProperties"] is False
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["ServerSettings"]["properties"]["port"] == {
        "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"\$\{(env|file)\.[^}]+\}"}],
        "default": 4000,
        "description": "port to listen on; 0 takes a free one.",
    }
    assert len(properties) > 60


def test_settings_of_the_project_are_good() -> None:
    deployed = PROJECT / "deploy" / "router.yaml"

    settings = parse_settings(deployed.read_text(), environment={"STOREGRAPH_INTERNAL_KEY": "x" * 32})

    assert settings.authentication.internal_token is not None


def test_the_example_of_the_documentation_is_good(tmp_path: Path) -> None:
    (tmp_path / "internal-key").write_text("x" * 32)
    example = (PROJECT / "docs" / "operations.md").read_text().split("```yaml\n")[1].split("```")[0]

    settings = parse_settings(example.replace("/run/secrets", str(tmp_path)), environment={"STAGE": "production"})

    assert (settings.server.workers, settings.explorer_is_on) == (4, False)
