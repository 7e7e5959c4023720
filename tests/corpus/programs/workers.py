#!/usr/bin/python3
"""Worker processes, threads and shared memory."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import shared_memory


def work(number: int) -> int:
    return sum(range(number))


if __name__ == "__main__":
    with multiprocessing.Pool(4) as pool:
        assert len(pool.map(work, range(200))) == 200
    memory = shared_memory.SharedMemory(create=True, size=4096)
    memory.buf[:5] = b"hello"
    memory.close()
    memory.unlink()
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(work, range(200)))) == 200
