"""Which configurations are tried: for each method a file with its section and what it draws."""
