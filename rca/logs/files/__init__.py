"""What a file is, told by its bytes; its name is never believed."""
