"""Ray, PostgreSQL and MLflow on this machine, to try a cluster with."""

__all__ = ["DEFAULT_FOLDER"]

# Where the token, the logs and the storage of such a cluster are, from where it is started.
DEFAULT_FOLDER = ".cluster"
