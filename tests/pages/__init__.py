"""The parts of the documentation made from the code; `python -m tests.pages` writes them."""
