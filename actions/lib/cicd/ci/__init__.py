"""From a push to a passed build: the queue of each project, its builds, and what was decided on each event."""
