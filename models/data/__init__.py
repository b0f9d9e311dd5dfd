"""Reading what a net is trained on: built-in sets, files, functions; columns, cells, targets."""
