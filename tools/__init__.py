"""What runs before the course's own environment exists: standard library only."""
