"""Getting the kernel side into the kernel: one file a way of loading."""
