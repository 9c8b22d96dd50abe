"""How a project comes into every place that it needs, and out of them again."""
