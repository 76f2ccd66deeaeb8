"""The course to be read: a static site, an EPUB, a PDF, and the facilitator's guide."""
