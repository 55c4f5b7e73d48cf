"""From a person's columns to the numbers that a network takes, learned from the training rows."""
