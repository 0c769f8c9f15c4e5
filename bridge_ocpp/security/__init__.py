"""The security of the link: who may come in, TLS, passwords that change, certificates of ours for chargers."""
