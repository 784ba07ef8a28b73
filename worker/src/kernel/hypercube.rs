//! The hypercube window: how many samples lie in the cube of side `h` around a point.
