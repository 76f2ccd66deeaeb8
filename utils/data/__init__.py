"""What the models read: the story world, instructions, puzzles, texts; shipped checkpoints."""
