"""What is done to many tasks: the effects before the button, then how far it is."""
