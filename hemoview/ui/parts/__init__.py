"""What every page is made of: colours and fonts, labels, fields, notices, and threads that end with what they serve."""
