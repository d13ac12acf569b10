"""The heads that ship, one module each: which rows fit it, which calibrate it, and which only measure it."""
