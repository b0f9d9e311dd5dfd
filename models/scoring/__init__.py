"""What a net is asked for and judged by: tasks, losses, metrics, the objective."""
