"""A stand-in for the part of StackStorm that sensors import."""
