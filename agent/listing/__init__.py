"""One recommendation call: the person as known, the plan, the list, its reasons; and where an item got."""
