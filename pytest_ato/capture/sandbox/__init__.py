"""The sandbox: a root of its own, nothing real within reach, init as pid 1, the target below it."""
