"""Which trials go on: a small file for each scheduler, its section and its rule."""
