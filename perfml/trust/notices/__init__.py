"""What people are told before they are scored and what they can do: notices, opting out, packages, retention."""
