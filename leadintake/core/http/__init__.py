"""What HTTP brings along: whose request it is, how its body arrives, and what it may weigh."""
