"""The gateway's own table of keys (TensorZero), kept equal to the registry's current state."""
