"""What follows from what was seen: whether the capture was whole, and the verdict."""
