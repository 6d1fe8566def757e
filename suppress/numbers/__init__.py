"""What a number may mean."""
