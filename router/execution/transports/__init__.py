"""How requests reach subgraphs: over HTTP or inside this process, behind one port."""
