"""Processing as it is declared: who processes what for which purpose, on which legal basis."""
