"""What this computer does well: which precision pays, and what a call costs."""
