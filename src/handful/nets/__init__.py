"""Networks that are trained here, and the one loop that trains them."""
