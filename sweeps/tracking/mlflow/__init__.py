"""MLflow as a tracker: everything here that knows MLflow."""
