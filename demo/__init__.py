"""The story of five commits, told live: what `make demo` shows."""
