"""Which trials go on: each scheduler behind the ledger, so that its decisions can be rebuilt."""
