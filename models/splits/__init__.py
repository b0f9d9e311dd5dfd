"""Cutting rows into train, dev and test sets and folds; checks and scaling that follow."""
