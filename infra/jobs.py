"""Ray's Jobs API: programs that run on a cluster, whoever started them and wherever that one is."""

from __future__ import annotations

import logging
import os
import textwrap
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps.infra.settings import without_password

__all__ = ["Job", "Jobs", "JobsError"]

_POLL_S = 1.0
# The first question is the server's version; what is asked later may take a loaded head longer.
_GREETING_S, _ANSWER_S = 10.0, 60.0
_OVER = ("SUCCEEDED", "FAILED", "STOPPED")


class JobsError(Exception):
    """The Jobs API does not answer, refuses, or knows no such job."""


class _NotRayError(Exception):
    """Something answers, but it is not Ray's Jobs API."""


@dataclass(frozen=True)
class Job:
    """A job as Ray knows it.

    Attributes:
        status: PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED.
        message: Ray's own words about the status.
        started_at: Seconds since 1970; 0 before it started.
    """

    id: str
    status: str
    message: str
    metadata: Mapping[str, str]
    started_at: float

    @property
    def is_over(self) -> bool:
        """Whether it has ended, however it did."""
        return self.status in _OVER


class Jobs:
    """The jobs of one cluster; raises JobsError with the next step."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: Any = self._ask(lambda: _client(address))

    def submit(
        self, entrypoint: str, folder: Path, variables: Mapping[str, str], **metadata: str
    ) -> str:
        """Start `entrypoint` in a copy of `folder` on the cluster; returns the job's id.

        Args:
            entrypoint: A shell command line.
            variables: Environment variables; the Jobs API shows them to all who may ask it.
            metadata: Texts by which the job is found again.
        """
        environment = {"working_dir": str(folder), "env_vars": dict(variables)}
        answer: str = self._ask(
            lambda: self._client.submit_job(
                entrypoint=entrypoint, runtime_env=environment, metadata=metadata
            )
        )
        return answer

    def list(self, **metadata: str) -> list[Job]:
        """Return the jobs with this metadata, latest first."""
        found = [_job(one) for one in self._ask(self._client.list_jobs) if one.submission_id]
        wanted = metadata.items()
        return sorted(
            (job for job in found if wanted <= job.metadata.items()),
            key=lambda job: -job.started_at,
        )

    def logs(self, job: str) -> str:
        """Return what the job printed so far, standard output and error together."""
        text: str = self._ask(lambda: self._client.get_job_logs(job))
        return text

    def follow(self, job: str) -> Iterator[str]:
        """Yield what the job prints, as it comes, until it is over."""
        shown = 0
        while True:
            is_over = self.status(job).is_over
            text = self.logs(job)
            if len(text) > shown:
                yield text[shown:]
                shown = len(text)
            if is_over:
                return
            time.sleep(_POLL_S)

    def status(self, job: str) -> Job:
        """Return a job as it is now."""
        return _job(self._ask(lambda: self._client.get_job_info(job)))

    def stop(self, job: str) -> None:
        """Ask a job to end: SIGTERM, and a kill if that takes too long."""
        self._ask(lambda: self._client.stop_job(job))

    def _ask(self, question: Any) -> Any:
        shown = without_password(self._address)
        dashboard = "the cluster's dashboard (http://HOST:8265, if its port 8265 was not changed)"
        try:
            return question()
        except ConnectionError as err:
            raise JobsError(
                f"RAY_ADDRESS={shown}: nothing answers there; start the cluster, forward its port "
                f"8265, or correct the address; or unset RAY_ADDRESS to train on this machine"
            ) from err
        except TimeoutError as err:
            raise JobsError(
                f"RAY_ADDRESS={shown}: {err}; check that the cluster is healthy, and that "
                f"this is the address of {dashboard}"
            ) from err
        except _NotRayError as err:
            raise JobsError(
                f"RAY_ADDRESS={shown}: the server there is not Ray's Jobs API ({err}); "
                f"set RAY_ADDRESS to {dashboard}"
            ) from err
        except Exception as err:  # requests' and Ray's, which share no class
            text = " ".join(str(err).replace(self._address.rstrip("/"), shown).split())
            # Ray's own advice, another token, would be as wrong as the one that was sent.
            is_token = any(word in text for word in ("401", "403", "oken"))
            why = _token_problem() if is_token else textwrap.shorten(text, 400, placeholder=" ...")
            raise JobsError(f"RAY_ADDRESS={shown}: {why}") from err


def _token_problem() -> str:
    """Return what is wrong with the token that was sent, or that none was."""
    if os.environ.get("RAY_AUTH_MODE") != "token":
        return (
            "the cluster requires a token, and none was sent: set RAY_AUTH_MODE=token, and "
            "RAY_AUTH_TOKEN_PATH to the file that holds it"
        )
    # In the order in which Ray looks.
    where = f"{Path.home() / '.ray' / 'auth_token'}"
    if path := os.environ.get("RAY_AUTH_TOKEN_PATH"):
        where = f"{path} (RAY_AUTH_TOKEN_PATH)"
    if os.environ.get("RAY_AUTH_TOKEN"):
        where = "RAY_AUTH_TOKEN"
    return (
        f"the cluster refuses the token in {where}: ask its administrator for the token; that of a "
        f"cluster started with `cluster up` is in .cluster/token"
    )


def _client(address: str) -> Any:
    """Return Ray's client, which by itself waits for ever for an answer, with a time limit.

    Raises:
        ConnectionError, TimeoutError, _NotRayError: As is found out by asking for Ray's version.
    """
    # Imports ray: seconds that only those wait who talk to a cluster.
    import requests
    from ray.job_submission import JobSubmissionClient
    from urllib3.exceptions import ProtocolError

    # They announce each upload, and each file that is left out, three times; set by the import.
    for name in ("ray", "ray.dashboard.modules.dashboard_sdk"):
        logging.getLogger(name).setLevel(logging.WARNING)

    class Client(JobSubmissionClient):
        def _do_request(self, method: str, endpoint: str, **options: Any) -> Any:
            is_first = endpoint == "/api/version"
            limit_s = _GREETING_S if is_first else _ANSWER_S
            try:
                return super()._do_request(method, endpoint, timeout=limit_s, **options)
            except requests.Timeout as err:
                raise TimeoutError(f"no answer in {limit_s:.0f} s") from err
            except requests.exceptions.SSLError as err:
                raise _NotRayError("or not with https: the encryption failed") from err
            except requests.ConnectionError as err:
                if is_first and isinstance(err.args[0], ProtocolError):
                    raise _NotRayError("it closed the connection, or does not speak HTTP") from err
                raise ConnectionError(str(err)) from err

    try:
        return Client(address)
    except (LookupError, TypeError, ValueError) as err:
        raise _NotRayError("it does not say which version of Ray it is") from err
    except RuntimeError as err:
        if "returned 404" not in str(err):
            raise
        raise _NotRayError("it has no page /api/version") from err


def _job(found: Any) -> Job:
    return Job(
        str(found.submission_id),
        str(getattr(found.status, "value", found.status)),
        str(found.message or ""),
        dict(found.metadata or {}),
        (found.start_time or 0) / 1000,
    )
