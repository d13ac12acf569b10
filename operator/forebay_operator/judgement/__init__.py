"""What the operator finds right and wrong with objects, and which of them go out."""
