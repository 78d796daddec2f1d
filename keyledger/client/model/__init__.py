"""What answers hold. Members that a later registry adds are passed over."""
