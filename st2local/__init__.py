"""A single-process runner for StackStorm packs: the same YAML, the same REST API, one machine."""
