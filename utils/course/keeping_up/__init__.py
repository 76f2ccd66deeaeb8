"""Keeping up: newer chapters around older answers, a group on one page, a report to the authors."""
