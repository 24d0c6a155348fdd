"""Signing in with the company's own provider by OpenID Connect: who somebody is, and never what they may do."""
