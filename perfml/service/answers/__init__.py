"""What the service answers, one module for each group of routes: the types of its answers and the functions that fill them."""
