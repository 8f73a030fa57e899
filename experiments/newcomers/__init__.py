"""How clinicians without a rating are ordered, beside the evidence prior."""
