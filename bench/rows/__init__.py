"""One function for each row of the table, of that name: it times both sides and describes them."""
