"""Drills: every fault that the runtime has to survive, done to a real model, in front of whoever runs it."""
