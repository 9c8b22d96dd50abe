"""The pages of docs/reference, drawn from what they describe."""
