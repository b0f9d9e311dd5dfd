"""How often chance does something, in words that need no statistics."""

__all__ = ["how_often"]


def how_often(p_value: float, of: str) -> str:
    """Return a p value as a count, such as `1 of 20 sweeps`.

    Args:
        of: What is counted, in the plural.
    """
    if p_value < 0.001:
        return f"fewer than 1 of 1,000 {of}"
    if p_value < 0.1:
        return f"1 of {round(1 / p_value)} {of}"
    return f"{round(100 * p_value)} of 100 {of}"
