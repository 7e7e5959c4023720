"""What leaves the raw log: masked views of it."""
