"""Sound: prompts and what is made of them."""
