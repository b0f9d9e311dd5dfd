"""Ray, PostgreSQL and MLflow on this machine, to try a cluster with."""
