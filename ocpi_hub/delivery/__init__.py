"""What we owe: debts to tell, who is owed what, and the workers that settle them."""
