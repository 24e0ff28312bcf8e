"""Notes of people of the firm about a lead."""
