"""From events to market facts: bars, snapshots, levels, touches and labels, in exact integers."""
