"""Stories of `make run`: what starts, what dies, what is left."""
