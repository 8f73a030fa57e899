"""Pages for intake staff: they show what the engine gives and record what people decide."""
