"""The report: all claims, figures and their provenance on one page that needs no network."""
