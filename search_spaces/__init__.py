"""What may be tried: parameters, spaces, constraints, and reading YAML."""
