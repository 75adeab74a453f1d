"""The gate stream: Bronze gates to events with history and labels, in exact integers."""
