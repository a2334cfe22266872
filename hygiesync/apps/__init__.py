"""The programs: each module here is one subcommand or what several of them share."""
