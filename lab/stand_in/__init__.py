"""What the stand-ins for Jenkins and GitHub share; what each says is its own part."""
