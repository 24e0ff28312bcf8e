"""What each user sees of the lists: views they saved, and leads they have not opened yet."""
