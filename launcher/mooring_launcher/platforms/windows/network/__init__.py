"""Network compartments, their addresses and sockets: IP Helper, HCN, and ipconfig where these two do not suffice."""
