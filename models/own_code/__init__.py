"""Functions of the user's own: what each is for, how it is found, what it may not end."""
