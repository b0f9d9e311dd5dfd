"""A page that shows sweeps while they run, from the record on disk alone."""
