"""How a request finds its route, and the route what it asks for."""
