"""Settings from the environment, and from `storegraph.toml` where there is one; wrong ones are told in one line.

Every field of `Settings` is `STOREGRAPH_<FIELD>` in the environment or a key of the file. A subgraph's own
settings derive from `SubgraphSettings` with a prefix of their own and a table of the same name in the file.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

from kernel.errors import InfrastructureError


class SettingsError(InfrastructureError):
    """A setting is wrong or missing; the message names it and says what is expected."""


class _Loaded(BaseSettings):
    """Reads the environment first, then this class's part of the file."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    @classmethod
    def load(cls, **values: Any) -> Self:
        """Read the settings; `values` given here outweigh the environment, which outweighs the file.

        Raises:
            SettingsError: names the first setting that is wrong and what is expected.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError(_explain(cls, error)) from None

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the file after the environment."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, _file_values(cls))


class Settings(_Loaded):
    """What every process of the shop needs to know."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_")

    mode: Literal["embedded", "services"] = "embedded"
    data_dir: Path = Path(".storegraph")
    database_url: str = ""
    redis_url: str = ""
    broker_url: str = ""
    elasticsearch_url: str = ""
    """Where Elasticsearch is: without it, PostgreSQL answers what it would answer."""
    router_url: str = "http://localhost:4000/graphql"
    """Where subgraphs that are processes of their own ask the whole API on behalf of a person."""
    public_url: str = "http://localhost:4000"
    """Where people reach the shop, for links that operators are given."""
    internal_key: SecretStr = SecretStr("")
    signed_requests: bool = False
    """Whether subgraphs take only requests that are signed one by one (the router: `internal_token.sign`)."""
    vault_address: str = ""
    """Where HashiCorp Vault is; without it, keys are files in the data directory."""
    vault_token: SecretStr = SecretStr("")
    vault_namespace: str = ""
    vault_mount: str = "secret"
    """The KV version 2 engine that keeps the keys."""
    vault_path: str = "storegraph"
    vault_transit_key: str = ""
    """The key of the transit engine that encrypts them there once more."""
    traces_url: str = ""
    """Where traces are sent, by the OpenTelemetry protocol over HTTP: `http://localhost:4318/v1/traces`."""
    metrics_port: int = 0
    """Where `storegraph up` serves metrics for Prometheus; 0, and it does not."""
    response_cache: bool = False
    """Whether `storegraph up` keeps what the catalogue answers, until an event says that it has changed."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_style: Literal["json", "console"] = "console"


class SubgraphSettings(_Loaded):
    """Base of a subgraph's own settings; give it `env_prefix="STOREGRAPH_<NAME>_"`."""


def _file_values(settings: type[BaseSettings]) -> dict[str, Any]:
    """Read this class's part of the file: the top level, or the table that its prefix names."""
    path = Path(os.environ.get("STOREGRAPH_CONFIG", "storegraph.toml"))
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    table = _prefix(settings).removeprefix("STOREGRAPH_").removesuffix("_").lower()
    return values.get(table, {}) if table else values


def _explain(settings: type[BaseSettings], error: ValidationError) -> str:
    first = error.errors()[0]
    name = f"{_prefix(settings)}{'_'.join(map(str, first['loc']))}".upper()
    return f"{name}: {first['msg']}."


def _prefix(settings: type[BaseSettings]) -> str:
    return str(settings.model_config.get("env_prefix", ""))
