"""Which trials go on: a small file for each scheduler, their table, and the ledger before them."""
