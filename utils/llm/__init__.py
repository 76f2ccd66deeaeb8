"""The language model itself, a room for each week's subject; imports nothing else of ours."""
