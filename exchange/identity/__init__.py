"""Who takes part: organizations, their members, and the credentials they prove themselves with."""
