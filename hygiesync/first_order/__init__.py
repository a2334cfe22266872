"""The neural First Order Motion Model: a picture moves as a video does, by key points that are learnt.

It knows no faces: what its points mean follows from the videos that it learnt from. `learning` holds the networks and
their training, and is the only part that needs torch; what is here runs a learnt model with ONNX Runtime.

References
----------
Siarohin et al., *First Order Motion Model for Image Animation*, NeurIPS 2019 (arXiv 2003.00196).
"""
