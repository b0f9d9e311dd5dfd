"""Files of a run folder on disk or in an object store."""
