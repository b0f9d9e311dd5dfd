"""MLflow's copy of the record, written by a process of its own."""
