"""Other engines that answer the same questions, run in process."""
