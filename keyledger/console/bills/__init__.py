"""What a period cost, the inferences behind each line, and the period before."""
