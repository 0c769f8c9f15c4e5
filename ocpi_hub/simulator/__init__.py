"""Platforms that really speak: a CPO and an eMSP, for the demo, for onboarding a partner and for tests.

They share the wire room with the hub and nothing else, so that neither hides the other's mistakes.
"""
