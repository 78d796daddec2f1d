"""What the operator of the machine alone may ask, over the data folder's socket."""
