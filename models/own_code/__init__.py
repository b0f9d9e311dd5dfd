"""User-defined functions: what each is for, how it is found, what it may not end."""
