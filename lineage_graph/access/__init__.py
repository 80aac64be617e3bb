"""Who may do what; nothing here knows HTTP."""
