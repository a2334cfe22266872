"""What a speaker reads aloud: one module a language, written for this project and balanced by sounds and mouths."""
