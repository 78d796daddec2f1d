DROP DATABASE {{database}}{{on_cluster}} SYNC
