"""How fast and how large: speed, memory and start of the exported model."""
