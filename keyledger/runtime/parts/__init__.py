"""The parts alone, on the databases that the settings name: one module for each command that runs one."""
