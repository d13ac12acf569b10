"""The decision core: bytes and pool state in, a recorded decision out. No I/O, no clock, no threads of its own."""
