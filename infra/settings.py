"""What the environment says about where sweeps run and are recorded, read once and checked.

Secrets are `SecretStr`: repr, messages and dumps show asterisks in their place.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

__all__ = [
    "IN_JOB",
    "InfraSettings",
    "SettingsError",
    "has_password",
    "read_settings",
    "without_password",
]

# Ray sets it in the process of a job.
IN_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
_JOBS = ("http://", "https://")
_STORES = ("s3", "gs", "abfss")


class SettingsError(Exception):
    """A variable cannot be used; the message names it, its value, the rule and the next step."""


class InfraSettings(BaseModel):
    """The environment's part of a sweep: the sweep file is the same everywhere.

    Attributes:
        ray_address: None starts Ray on this machine; `auto` or `host:port` joins a running
            cluster; `http(s)://...` is a Jobs address, to which sweeps are submitted.
        storage_at: What holds all run folders: a folder, under the same path for the driver and
            every node, or an address of an object store; None is `runs` where the command is typed.
        tracking_uri: Where MLflow's record goes; None is `mlflow.db` in the storage.
        nodes_wait_s: How long to wait for a node on which a trial fits, on a cluster that starts
            nodes when they are asked for.
        notify_url: Is sent a JSON object when a sweep ends, fails or reaches its target.
        notify_command: Is run then, with the same object on its standard input.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    ray_address: str | None = Field(None, validation_alias="RAY_ADDRESS")
    storage_at: str | None = Field(None, validation_alias="SWEEPS_STORAGE")
    tracking_uri: str | None = Field(None, validation_alias="MLFLOW_TRACKING_URI")
    nodes_wait_s: float = Field(0.0, ge=0, validation_alias="SWEEPS_NODES_WAIT_S")
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
                "the Ray client (ray://) is not supported, as a sweep would end with the "
                "connection: submit it to the Jobs address (http://HOST:8265), or start it on a "
                "node of the cluster with RAY_ADDRESS=auto"
            )
        if address.startswith(_JOBS):
            if _host(address) is None:
                raise ValueError("a Jobs address must name a host: http://HOST:8265")
        elif address != "auto" and not re.fullmatch(r"[^\s/]+:\d{1,5}", address):
            raise ValueError("must be one of auto, HOST:PORT, http://HOST:PORT, https://HOST")
        return address

    @property
    def storage(self) -> Path | None:
        """The folder of all run folders; None where it is not a folder that is named."""
        at = self.storage_at
        return None if at is None or "://" in at else Path(at).expanduser().absolute()

    @property
    def bucket(self) -> str | None:
        """The object store's address of all run folders; None where there is none."""
        at = self.storage_at
        return at.rstrip("/") if at is not None and "://" in at else None

    @field_validator("storage_at")
    @classmethod
    def _known_store(cls, at: str | None) -> str | None:
        if at is None or "://" not in at:
            return at
        parts = urlsplit(at)
        if parts.scheme not in _STORES or not parts.netloc:
            known = ", ".join(f"{scheme}://" for scheme in _STORES)
            raise ValueError(f"must be a folder or the address of an object store ({known})")
        if has_password(at):
            raise ValueError(
                "must not hold a secret, which would be written into runs: remove it, and give "
                "each machine its own credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "a role)"
            )
        return at

    @field_validator("notify_url")
    @classmethod
    def _web_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        text = url.get_secret_value()
        if not text.lower().startswith(_JOBS):
            raise ValueError("must begin with http:// or https://")
        if _host(text) is None:
            raise ValueError(
                "must name a host, and its port must be a number: https://HOST:PORT/..."
            )
        if "@" in urlsplit(text).netloc:
            raise ValueError(
                "must not hold a user or password, which are not sent: use SWEEPS_NOTIFY_COMMAND "
                "instead (`curl --config FILE --data @- ...`)"
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
        return InfraSettings.model_validate(
            {name: value for name, value in os.environ.items() if value}
        )
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
