"""Why an inference is on the bill as it is."""
