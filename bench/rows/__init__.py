"""One function for each row of the table, of that name: it compares the two sides and says exactly what was compared."""
