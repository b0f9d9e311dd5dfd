"""Ray's Jobs API: programs that run on a cluster, whoever started them and wherever that one is."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Job", "Jobs", "JobsError"]

_POLL_S = 1.0
_OVER = ("SUCCEEDED", "FAILED", "STOPPED")


class JobsError(Exception):
    """The Jobs API does not answer, refuses, or knows no such job."""


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
    """The jobs of one cluster; raises JobsError with the way out."""

    def __init__(self, address: str) -> None:
        # Imports ray: seconds that only those wait who talk to a cluster.
        from ray.job_submission import JobSubmissionClient

        self._address = address
        # They announce each upload, and each file that is left out, three times.
        for name in ("ray", "ray.dashboard.modules.dashboard_sdk"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client: Any = self._ask(lambda: JobSubmissionClient(address))

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
        try:
            return question()
        except ConnectionError as err:
            raise JobsError(
                f"RAY_ADDRESS={self._address}: nothing answers there; start the cluster, forward "
                f"its port 8265, or correct the address"
            ) from err
        except Exception as err:  # requests' and Ray's, which share no class
            text = " ".join(str(err).split())[:400]
            hint = (
                "; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file with its token"
                if any(word in text for word in ("401", "403", "oken"))
                else ""
            )
            raise JobsError(f"RAY_ADDRESS={self._address}: {text}{hint}") from err


def _job(found: Any) -> Job:
    return Job(
        str(found.submission_id),
        str(getattr(found.status, "value", found.status)),
        str(found.message or ""),
        dict(found.metadata or {}),
        (found.start_time or 0) / 1000,
    )
