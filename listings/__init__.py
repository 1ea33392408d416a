"""What is on offer, and what is wanted: listings with their releases and files, reviews, and the board of wants."""
