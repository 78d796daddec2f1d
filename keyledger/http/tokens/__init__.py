"""Admin tokens over HTTP, and as the operator of the machine has them."""
