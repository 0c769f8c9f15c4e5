"""Platforms that really speak: a CPO and an eMSP for the demo, for onboarding and for tests."""
