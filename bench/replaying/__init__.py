"""The parts of bench.replay: the log that it makes, the library that it is compared to, and its steps as processes."""
