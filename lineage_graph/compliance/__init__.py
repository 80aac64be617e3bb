"""Reports for a regulator, a data protection officer or a data subject, from what is recorded."""
