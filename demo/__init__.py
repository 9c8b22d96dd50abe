"""The story of six commits, told live: what `make demo` shows."""
