"""Reading and cleaning event and item files, the store, the item index, embeddings."""
