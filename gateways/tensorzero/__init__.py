"""The gateway's own key table (TensorZero), kept equal to the registry's current state."""
