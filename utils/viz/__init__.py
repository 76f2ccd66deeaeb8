"""Every figure, every diagram and every interactive piece."""
