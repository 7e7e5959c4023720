"""The dispatcher: from the kernel's map of flows to signed records in the evidence log."""
