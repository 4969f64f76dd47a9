"""What somebody types into the search box, read into a selection of records."""
