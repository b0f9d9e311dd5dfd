"""A file of an object store that is written only where nobody else has written it since.

Arrow's file systems, which all else here uses, know no conditional write; obstore does (`If-Match`
and `If-None-Match` on S3 and Azure, generations on Google's). It is given the same address and the
same credentials.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

from sweeps.storage.files import BucketFiles

if TYPE_CHECKING:
    from obstore import UpdateVersion
    from obstore.store import ObjectStore

__all__ = ["ConditionalFile", "OvertakenError", "Version"]

# As few tries as Arrow's: a store that is away is said to be away within seconds.
_RETRIES: Any = {"max_retries": 3}
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class OvertakenError(Exception):
    """Somebody else wrote the file first; nothing was written."""


@dataclass(frozen=True)
class Version:
    """What a file held when it was read or written.

    Attributes:
        mark: What tells this version from all others: its e-tag, or its generation.
    """

    content: bytes
    mark: UpdateVersion


class ConditionalFile:
    """One file below an address of an object store; every method raises OSError."""

    def __init__(self, bucket: BucketFiles, name: str) -> None:
        self._bucket = bucket
        self._name = name
        self._opened: ObjectStore | None = None

    def read(self) -> Version | None:
        """Return the newest version, or None where there is none."""
        with _translated():
            try:
                found = self._store.get(self._name)
            except FileNotFoundError:
                return None
            return Version(bytes(found.bytes()), _mark(found.meta))

    def write(self, content: bytes, since: Version | None) -> Version:
        """Write the file if it still is what it was.

        Args:
            content: Must differ from every other writer's, and from what this one wrote before:
                on S3 the e-tag is a digest of the content.
            since: The version that was read before; None where there was no file.

        Raises:
            OvertakenError: It is another by now.
        """
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with _translated():
            try:
                made = self._store.put(
                    self._name, content, mode="create" if since is None else since.mark
                )
                return Version(content, _mark(made))
            except (AlreadyExistsError, PreconditionError, FileNotFoundError) as err:
                # A try whose answer was lost is repeated, and refused as it had been written.
                found = self.read()
                if found is not None and found.content == content:
                    return found
                raise OvertakenError(str(err)) from err

    def age_s(self) -> float:
        """Return how long ago the file was written, by the store's clock; 0 where there is none."""
        # A name of its own, as others may ask at the same time.
        probe = f"{self._name}.{secrets.token_hex(4)}"
        with _translated():
            self._store.put(probe, b"")
            try:
                now = self._store.head(probe)["last_modified"]
                with suppress(FileNotFoundError):
                    return (now - self._store.head(self._name)["last_modified"]).total_seconds()
                return 0.0
            finally:
                self._store.delete(probe)

    @property
    def _store(self) -> ObjectStore:
        if self._opened is None:
            self._opened = _open(self._bucket)
        return self._opened


def _mark(about: Any) -> UpdateVersion:
    kinds = ("e_tag", "version")
    return cast("UpdateVersion", {kind: about[kind] for kind in kinds if about[kind] is not None})


@contextmanager
def _translated() -> Iterator[None]:
    """Turn obstore's errors into OSError, without its account of the source that follows them."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as err:
        raise OSError(str(err).strip().partition("\n")[0]) from err


def _open(bucket: BucketFiles) -> ObjectStore:
    """Return obstore's client for an address that is written as Arrow reads it."""
    from obstore.store import AzureStore, GCSStore

    address = urlsplit(bucket.uri)
    options, prefix = dict(parse_qsl(address.query)), address.path.strip("/")
    if address.scheme == "s3":
        return _open_s3(bucket, address.netloc, prefix, options)
    if address.scheme == "gs":
        endpoint = _endpoint(options)
        base: Any = {} if endpoint is None else {"config": {"base_url": endpoint}}
        client: Any = {"allow_http": _is_plain(endpoint)}
        return GCSStore(
            address.netloc, prefix=prefix, client_options=client, retry_config=_RETRIES, **base
        )
    return AzureStore.from_url(
        f"{address.scheme}://{address.netloc}/{prefix}", retry_config=_RETRIES
    )


def _open_s3(bucket: BucketFiles, name: str, prefix: str, options: dict[str, str]) -> ObjectStore:
    from obstore.store import S3Store

    endpoint = _endpoint(options) or next(filter(None, map(os.environ.get, _ENDPOINTS)), None)
    client: dict[str, Any] = {"allow_http": _is_plain(endpoint)}
    if certificates := options.get("tls_ca_file_path"):
        client["root_certificate"] = Path(certificates).read_bytes()
    if options.get("tls_verify_certificates") == "false":
        client["allow_invalid_certificates"] = True
    config: dict[str, Any] = _shared_keys() | {"region": bucket.opened()[0].region}
    if endpoint is not None:
        config["endpoint"] = endpoint
    return S3Store(
        name,
        prefix=prefix,
        client_options=cast(Any, client),
        retry_config=_RETRIES,
        **config,
    )


def _endpoint(options: dict[str, str]) -> str | None:
    """Return the server that an address names, with its scheme."""
    given = options.get("endpoint_override")
    if given is None or "://" in given:
        return given
    return f"{options.get('scheme', 'https')}://{given}"


def _is_plain(endpoint: str | None) -> bool:
    return (endpoint or "").startswith("http://")


def _shared_keys() -> dict[str, str]:
    """Return the keys of AWS's file of credentials, where the environment has none.

    Arrow reads that file and obstore does not; roles of machines and pods are known to both.
    """
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return {}
    place = os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    profiles = ConfigParser(interpolation=None, default_section="")
    with suppress(OSError, ConfigError):
        profiles.read(Path(place).expanduser(), encoding="utf-8")
    profile = os.environ.get("AWS_PROFILE", "default")
    found = dict(profiles[profile]) if profiles.has_section(profile) else {}
    keys = ("access_key_id", "secret_access_key", "session_token")
    return {key: found[f"aws_{key}"] for key in keys if f"aws_{key}" in found}
