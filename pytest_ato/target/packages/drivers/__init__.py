"""What runs a package's phases, inside the sandbox: read as text, placed there, never imported."""
