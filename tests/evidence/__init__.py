"""Claims of the literature, and the product's own, tried out with the product's commands."""
