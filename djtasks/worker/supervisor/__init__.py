"""The process that watches: it starts and ends children, and moves what they leave."""
