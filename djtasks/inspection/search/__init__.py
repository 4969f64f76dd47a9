"""Parse what somebody types into the search box into a selection of records."""
