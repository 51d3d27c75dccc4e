"""The edge: the one exception, reading what a reader brings, and writing files whole or not at all."""
