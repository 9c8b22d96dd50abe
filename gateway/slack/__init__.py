"""Buttons that people press in Slack."""
