"""The answer of a sweep: tables, figures, words, one page."""
