"""What the environment says about where sweeps run and are recorded, read once and checked.

Secrets are `SecretStr`: repr, messages and dumps show asterisks in their place.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["InfraSettings", "SettingsError", "has_password", "read_settings", "without_password"]

_JOBS = ("http://", "https://")


class SettingsError(Exception):
    """A variable cannot be used; the message names it, its value, the rule and the way out."""


class InfraSettings(BaseSettings):
    """The environment's part of a sweep: the sweep file is the same everywhere.

    Attributes:
        ray_address: None starts Ray on this machine; `auto` or `host:port` joins a running
            cluster; `http(s)://...` is a Jobs address, to which sweeps are submitted.
        storage: The folder that holds all run folders, under the same path for the driver and
            every node; None is `runs` where the command is typed.
        tracking_uri: Where MLflow's record goes; None is `mlflow.db` in the storage.
        notify_url: Is sent a JSON object when a sweep ends, fails or reaches its target.
        notify_command: Is run then, with the same object on its standard input.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    ray_address: str | None = Field(None, validation_alias="RAY_ADDRESS")
    storage: Path | None = Field(None, validation_alias="SWEEPS_STORAGE")
    tracking_uri: str | None = Field(None, validation_alias="MLFLOW_TRACKING_URI")
    notify_url: SecretStr | None = Field(None, validation_alias="SWEEPS_NOTIFY_URL")
    notify_command: str | None = Field(None, validation_alias="SWEEPS_NOTIFY_COMMAND")

    @property
    def jobs_address(self) -> str | None:
        """The Jobs address; None where sweeps are not submitted as jobs."""
        address = self.ray_address
        return address if address is not None and address.startswith(_JOBS) else None

    @property
    def cluster_address(self) -> str | None:
        """The address of a cluster that the driver joins; None where it starts its own Ray."""
        return self.ray_address if self.jobs_address is None else None

    @field_validator("ray_address")
    @classmethod
    def _known_kind(cls, address: str | None) -> str | None:
        if address is None or address == "local":
            return None
        if address.startswith("ray://"):
            raise ValueError(
                "the Ray client (ray://) is not supported, as a sweep would end with its "
                "connection: submit it to the Jobs address (http://HOST:8265), or start it on a "
                "machine of the cluster with RAY_ADDRESS=auto"
            )
        if address.startswith(_JOBS):
            if _host(address) is None:
                raise ValueError("a Jobs address names a host: http://HOST:8265")
        elif address != "auto" and not re.fullmatch(r"[^\s/]+:\d{1,5}", address):
            raise ValueError("it is none of: auto, HOST:PORT, http://HOST:PORT, https://HOST")
        return address

    @field_validator("storage", mode="before")
    @classmethod
    def _a_folder(cls, storage: object) -> object:
        if isinstance(storage, str) and "://" in storage:
            raise ValueError(
                "run folders are kept in a file system: mount the bucket or share on every node "
                "(s3fs, a CSI driver, NFS), and name that folder"
            )
        return storage

    @field_validator("storage")
    @classmethod
    def _absolute(cls, storage: Path | None) -> Path | None:
        return None if storage is None else storage.expanduser().absolute()

    @field_validator("notify_url")
    @classmethod
    def _web_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        text = url.get_secret_value()
        if not text.lower().startswith(_JOBS):
            raise ValueError("an address to send to begins with http:// or https://")
        if _host(text) is None:
            raise ValueError("it names no host, or its port is no number: https://HOST:PORT/...")
        if "@" in urlsplit(text).netloc:
            raise ValueError(
                "what is sent there carries neither user nor password: let SWEEPS_NOTIFY_COMMAND "
                "send it (`curl --config FILE --data @- ...`)"
            )
        return url


_SECRET = ("SWEEPS_NOTIFY_URL",)
# Up to the last @, as a password may hold any character.
_IN_ACCOUNT = re.compile(r"(?<=://)([^:/?#@]*):.+@", re.DOTALL)
_IN_QUERY = re.compile(r"(?<=[?&;])([^=&;]*)=([^&]*)")
# An ODBC connection is one value with a password inside.
_SECRET_KEY = re.compile(
    "passw|passphrase|pwd|secret|token|credential|(api|access)_?key|odbc_connect", re.IGNORECASE
)


def read_settings() -> InfraSettings:
    """Return what the environment says.

    Raises:
        SettingsError: A variable cannot be used; all of them are named at once.
    """
    try:
        return InfraSettings()
    except ValidationError as err:
        raise SettingsError("; ".join(_in_words(one) for one in err.errors())) from None


def without_password(uri: str) -> str:
    """Return `uri` with its passwords hidden: of `user:password@host`, and in the query."""
    hidden = _IN_QUERY.sub(_hide_secret, uri)
    return _IN_ACCOUNT.sub(r"\1:***@", hidden)


def has_password(uri: str) -> bool:
    """Return whether `without_password` hides something."""
    return without_password(uri) != uri


def _hide_secret(found: re.Match[str]) -> str:
    key, value = found.groups()
    return f"{key}=***" if value and _SECRET_KEY.search(unquote(key)) else found[0]


def _host(url: str) -> str | None:
    """Return the host of a web address; None where it has none or cannot be read."""
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.port != 0 else None
    except ValueError:  # its words may hold a password
        return None


def _in_words(error: object) -> str:
    assert isinstance(error, dict)
    name = str(error["loc"][0])
    value = "" if name in _SECRET else f"={without_password(str(error['input']))}"
    return f"{name}{value}: {str(error['msg']).removeprefix('Value error, ')}"
