"""From fitted heads to one ONNX graph, its manifest, and the proof that both say the same."""
