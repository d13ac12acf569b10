"""Public texts and labels as they lie in the data folder, and the splits made of them. Read once, never written."""
