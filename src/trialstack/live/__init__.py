"""What a terminal shows while a long command runs."""
