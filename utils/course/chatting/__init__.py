"""`course chat`: a conversation in the terminal."""
