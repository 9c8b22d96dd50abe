"""The receiver in front of StackStorm's webhooks: verifies, keeps, reduces and forwards events."""
