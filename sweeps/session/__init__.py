"""One session of a sweep, from what is unfinished in its run folder to its results."""
