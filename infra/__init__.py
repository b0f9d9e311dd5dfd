"""Where sweeps run: the MLflow UI, and later clusters and servers."""
