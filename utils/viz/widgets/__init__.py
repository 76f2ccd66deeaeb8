"""Every interactive piece of the course: an `Explorer` over a figure, or a small tool."""
