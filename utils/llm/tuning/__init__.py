"""Week 5: a trained model that learns to answer: whole, by LoRA, by a soft prompt."""
