"""Proof that an anonymized dump is what it should be: both dumps side by side, then a search for originals."""
