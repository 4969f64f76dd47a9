TITLE = “Pasted from a word processor”
