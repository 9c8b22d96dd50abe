"""What actions and sensors can ask of the server."""
