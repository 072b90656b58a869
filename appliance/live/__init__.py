"""What goes on now (实时状态): one process looks at the switch while somebody watches; all share what it saw."""
