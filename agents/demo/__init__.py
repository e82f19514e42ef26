"""The main job in one command: two agents, three deals, one auditor."""
