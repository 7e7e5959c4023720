"""What people and programs read about an audit: the report, its renderings and its directory."""
