"""The supervisor process: it starts and ends children, and releases the records they leave."""
