"""The admin of workers: their page and the orders to them."""
