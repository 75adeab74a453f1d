"""What is made and when: the Dagster graph, one folder a layer, in the order the data flows."""
