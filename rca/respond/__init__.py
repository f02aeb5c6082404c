"""What follows a diagnosis: undo, watch the fix, and keep the failure from coming back."""
