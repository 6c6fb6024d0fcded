#!/usr/bin/env python3
"""Prints the checksums of BlockCodecTest: ggml's own encoding of the blocks that TestBlocks makes.

    npm install node-llama-cpp@3.22.1
    ggml_block_checksums.py node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so
"""
import ctypes
import sys
import zlib

import numpy as np

TYPES = dict(F16=1, BF16=30, Q4_0=2, Q4_1=3, Q5_0=6, Q5_1=7, Q8_0=8, Q2_K=10, Q3_K=11, Q4_K=12, Q5_K=13, Q6_K=14)
BLOCKS, KINDS = 240, 12


def blocks():
    state, out = 42, np.zeros((BLOCKS, 256), np.float32)

    def uniform():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        return np.float32(((state >> 40) - 2**23) / 2**23)

    for b in range(BLOCKS):
        for i in range(256):
            u, v = uniform(), uniform()
            out[b, i] = [
                lambda: u,
                lambda: u * v,
                lambda: abs(u),
                lambda: -abs(u),
                lambda: u * np.float32(2**-20),
                lambda: np.float32(0),
                lambda: np.float32(b - 100),
                lambda: u * v * v * v if i != b % 256 else np.float32(-50),
                lambda: np.float32((i - 128) / 8),
                lambda: u * np.float32(2**-40),
                lambda: np.float32(np.floor(u * np.float32(8)) / 2),
                lambda: u * v if (i // 32 + b) % 3 else np.float32(0),
            ][b % KINDS]()
    return out


lib = ctypes.CDLL(sys.argv[1])
lib.ggml_quantize_chunk.restype = ctypes.c_size_t
x = blocks()
for name, number in TYPES.items():
    out = np.zeros(x.size * 4, np.uint8)
    pointer = lambda a: a.ctypes.data_as(ctypes.c_void_p)
    size = lib.ggml_quantize_chunk(
        number, pointer(x), pointer(out), ctypes.c_int64(0), ctypes.c_int64(BLOCKS), ctypes.c_int64(256), None)
    print(f"{name} {zlib.crc32(out[:size].tobytes()):08x}")
