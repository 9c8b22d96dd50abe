"""The package cicd-sandbox: what a build host needs to run builds of projects in a sandbox of systemd."""
