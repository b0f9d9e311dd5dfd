"""One page of figures and words about a sweep, made from its folder alone."""
