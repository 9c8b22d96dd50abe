"""From a commit to an OS package: the project's contract, the builder's input, provenance."""
