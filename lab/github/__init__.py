"""A stand-in for GitHub's REST API over the lab's bare repositories; what pushes send is lab/git's part."""
