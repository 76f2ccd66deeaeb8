"""`course build`: a chapter's one source made into its two executed notebooks."""
