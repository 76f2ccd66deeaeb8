"""The challenge: as near to the floor as a counted budget allows."""
