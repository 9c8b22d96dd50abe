"""What an app host runs, and how it becomes a package."""
