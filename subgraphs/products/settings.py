"""Settings of the catalogue."""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings


class ProductsSettings(SubgraphSettings):
    """What can be set for the catalogue, as `STOREGRAPH_PRODUCTS_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_PRODUCTS_")

    media_bucket: str = ""
    """The S3 bucket of pictures and files; without one, they are in the folder `media` of the data directory."""

    media_endpoint: str = ""
    """Where a server that speaks the protocol of S3 and is not Amazon's is: `http://localhost:9000`."""

    media_region: str = ""
    """The region of the bucket."""

    media_key_id: str = ""
    """The access key; without one, what the machine brings along is used."""

    media_secret: SecretStr = SecretStr("")
    """The secret of the access key."""

    documents_url: SecretStr = SecretStr("")
    """Where a server of MongoDB's protocol is: `mongodb://…`; without one, documents are in PostgreSQL."""

    documents_driver: Literal["pymongo", "motor"] = "pymongo"
    """Which driver speaks it."""

    cache_seconds: float = 0.0
    """How old what buyers read may be at most; events make it newer at once. 0, and nothing is kept."""

    public_url: str = ""
    """Where the store is reached; signed addresses of the folder are below it."""
