"""What may be tried: parameters, spaces, constraints, search methods, and reading YAML."""
