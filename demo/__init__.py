"""The story of four commits, told live: what `make demo` shows."""
