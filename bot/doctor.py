"""What is wrong with an installation, each finding one sentence with its fix."""
