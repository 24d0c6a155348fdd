"""Addresses for whoever runs perfml: runs of training, and what is put in force."""
