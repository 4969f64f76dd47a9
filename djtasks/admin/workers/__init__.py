"""Workers: their page, and the orders they are given."""
