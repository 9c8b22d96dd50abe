"""From a push to a passed build: each project's queue, its builds, and what was decided on each event."""
