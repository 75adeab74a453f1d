"""Policy discovery: rules such as "where the spread is wide, pause", found on earlier days and judged on later ones."""
