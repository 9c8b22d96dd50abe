"""A stand-in for the part of StackStorm that actions and sensors import."""
