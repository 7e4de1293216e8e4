"""What is known of a cloud: columns, their schema, names, edits and claims."""
