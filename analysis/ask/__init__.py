"""What is asked: parameters, how they are read, and the setting that they add up to."""
