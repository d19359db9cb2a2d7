"""What tools compute and say of it."""
