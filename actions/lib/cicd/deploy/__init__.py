"""Which version a ring is wanted to run: deploys, plans, holds, and deploys that nobody drives any more."""
